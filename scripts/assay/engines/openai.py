"""Any server with OpenAI's chat completions that runs already: vLLM, llama.cpp, Ollama, a gateway.

It is neither started nor stopped, and only what it tells of itself can stand in the fingerprint:
whether it serves one request at a time and caches no prompt is its operator's word, but for cached
tokens that it counts. The step runs outside of a container, since it has to reach the address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from assay.core.files import canonical_json, sha256_text
from assay.engines._choices import margin_of
from assay.engines._openai_client import Client, Refused, Streamed
from assay.engines._rules import too_large
from assay.engines._text import clean_text
from assay.engines.base import (
    ERROR,
    LENGTH,
    STOP,
    Answer,
    EngineDiedError,
    Margin,
    Request,
    Settings,
)

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["url", "model", "context", "limit_field", "sampler"],
    "properties": {
        "url": {"type": "string", "pattern": "^https?://", "description": "up to …/v1"},
        "model": {"type": "string", "minLength": 1, "description": "as the server names it"},
        "context": {"type": "integer", "minimum": 64, "description": "tokens, prompt and answer"},
        "limit_field": {"enum": ["max_tokens", "max_completion_tokens"]},
        "key_env": {
            "type": ["string", "null"], "pattern": "^[A-Z_][A-Z0-9_]*$",
            "description": "environment variable with the API key; the key stands in no file",
        },
        "patience_s": {
            "type": "integer", "minimum": 1, "default": 1800,
            "description": "longest silence before the server counts as dead, in seconds",
        },
        "sampler": {
            "type": "object", "required": ["temperature"],
            "description": "sent as it is, beside the run's seed",
            "not": {"anyOf": [{"required": [name]} for name in (
                "model", "messages", "stream", "stream_options", "seed", "n", "max_tokens",
                "max_completion_tokens", "logprobs", "top_logprobs",
            )]},
        },
    },
}  # fmt: skip
EXAMPLES: tuple[dict[str, Any], ...] = (
    {
        "url": "http://127.0.0.1:8000/v1", "model": "m", "context": 8192,
        "limit_field": "max_tokens",
        "sampler": {"temperature": 0, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0},
    },
)  # fmt: skip
NEEDS_KEYS = False
REFERENCE = False
NEEDS_WEIGHTS = False
REMOTE = True

FINISH = {"stop": STOP, "length": LENGTH}
# Of what `GET /models` says, what may decide a text; `created` is the start of the server.
TOLD = ("id", "root", "owned_by", "max_model_len", "parent", "meta")


@contextmanager
def open_engine(settings: Settings, weights: Path | None, log: IO[bytes]) -> Iterator[OpenAI]:
    """Find the server and its model; there are no weights, and the log stays empty."""
    del weights, log
    client = Client(settings["parameters"])
    try:
        engine = OpenAI(settings, client)
        engine.restart()
        yield engine
    finally:
        client.close()


class OpenAI:
    """The server as the run over all tasks sees it."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self.parameters, self.client = settings["parameters"], client
        self.options = {
            **self.parameters["sampler"], "model": self.parameters["model"], "n": 1,
            "seed": settings["seed"] % 2**31,
        }  # fmt: skip
        self.about: dict[str, Any] = {}

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """Return what the server says of itself and its model, and all that is sent to it."""
        return {
            "server": self.about, "options": self.options, "context": self.parameters["context"],
            "limit_field": self.parameters["limit_field"],
        }  # fmt: skip

    @property
    def measured(self) -> Mapping[str, Any]:
        """Return the address: it decides no text."""
        return {"url": self.parameters["url"]}

    def restart(self) -> None:
        """Ask the server anew what it is; it can't be started from here."""
        listed = self.client.get("models").get("data", [])
        found = [entry for entry in listed if entry.get("id") == self.parameters["model"]]
        if not found:
            names = ", ".join(sorted(str(entry.get("id")) for entry in listed)) or "none"
            raise EngineDiedError(
                f"the server has no model {self.parameters['model']!r}; it has: {names}"
            )
        self.about = {
            "model": {name: found[0][name] for name in TOLD if name in found[0]},
            "version": self.client.version(),
        }  # fmt: skip

    def answer(self, request: Request) -> Answer:
        """Ask; a prompt that does not fit is void, and so is an answer without counts."""
        body = self._body(request)
        rendered = sha256_text(canonical_json(body["messages"]))
        try:
            streamed = self.client.complete(body)
        except Refused as refused:
            return Answer("", rendered, finish_reason=ERROR, void=f"refused: {refused}")
        usage = streamed.usage or {}
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        return Answer(
            response=clean_text(streamed.text), thinking=clean_text(streamed.thinking) or None,
            rendered_sha256=rendered,
            finish_reason=FINISH.get(streamed.finish or "", ERROR),
            prompt_tokens=usage.get("prompt_tokens", 0),
            completion_tokens=usage.get("completion_tokens", 0), cached_tokens=cached,
            void=self._void(streamed, request), latency_us=streamed.latency_us,
            ttft_us=streamed.ttft_us,
        )  # fmt: skip

    def _body(self, request: Request) -> dict[str, Any]:
        return {
            **self.options, "messages": [{"role": "user", "content": request.prompt}],
            self.parameters["limit_field"]: request.max_tokens,
        }  # fmt: skip

    def _void(self, streamed: Streamed, request: Request) -> str | None:
        if not streamed.usage:
            return "the server does not count tokens"
        # Where it does not fit, a server would have cut it, unsaid.
        tokens = streamed.usage["prompt_tokens"]
        reason = too_large(tokens, request.max_tokens, self.parameters["context"])
        if reason:
            return reason
        if streamed.finish not in FINISH:
            return f"the server stopped for no known reason ({streamed.finish})"
        return None

    def margin(self, request: Request, part: str, character: int) -> Margin | None:
        """Ask again for the two likeliest tokens, where the server tells them."""
        if part != "response":
            return None
        try:
            tokens = self.client.likeliest(self._body(request))
        except Refused:
            return None
        end = 0
        for one in tokens:
            end += len(one["token"])
            if end > character:
                return margin_of(one)
        return None
