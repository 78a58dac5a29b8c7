"""vLLM, as its own API server in a child process: safetensors, on the CPU or on a card.

One sequence at a time, no prefix cache, every sampler option stated. The prompt is rendered and
counted first and goes in as the token ids that were counted, so that none is cut unseen. Weights
are a GGUF file, whose numbers are computed out into 32-bit ones when the engine starts, or a
folder with a model's snapshot. Nothing of a model's folder is run, and no pickle is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from assay.core.files import sha256_text
from assay.engines._choices import margin_of
from assay.engines._rules import CLOCK, require_no_clock, too_large
from assay.engines._text import clean_text, split_thinking
from assay.engines._vllm_client import Timed
from assay.engines._vllm_server import Server
from assay.engines.base import ERROR, LENGTH, STOP, Answer, Margin, Request, Settings

_NUMBER, _WHOLE = {"type": "number"}, {"type": "integer"}
SAMPLER: dict[str, Any] = {
    "temperature": _NUMBER, "top_k": _WHOLE, "top_p": _NUMBER, "min_p": _NUMBER,
    "repetition_penalty": _NUMBER, "presence_penalty": _NUMBER, "frequency_penalty": _NUMBER,
    "min_tokens": _WHOLE, "stop_token_ids": {"type": "array", "items": _WHOLE},
}  # fmt: skip
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["context", "batch", "block", "threads", "device", "eager", "dtype", "kv_type",
                 "kv_mib", "batch_invariant", "sampler"],
    "properties": {
        "context": {"type": "integer", "minimum": 64, "description": "tokens, prompt and answer"},
        "batch": {"type": "integer", "minimum": 1, "description": "tokens computed at once"},
        "block": {"type": "integer", "minimum": 1, "description": "tokens in a block of the cache"},
        "threads": {"type": "integer", "minimum": 1},
        "device": {"enum": ["cpu", "cuda"]},
        "eager": {"type": "boolean", "description": "no compiled graphs; off needs a compiler"},
        "dtype": {"enum": ["float32", "float16", "bfloat16"]},
        "kv_type": {"enum": ["auto", "fp8"], "description": "auto: the numbers of dtype"},
        "kv_mib": {"type": "integer", "minimum": 1, "description": "memory of the KV cache"},
        "batch_invariant": {"type": "boolean", "description": "on a card: kernels that repeat"},
        "chat_template": {"type": ["string", "null"], "description": "Jinja; null: the model's"},
        "template_values": {"type": "object", "description": "what the template is handed"},
        "language_only": {
            "type": "boolean", "default": False,
            "description": "load no part of the model that is for images or sound",
        },
        "patience_s": {
            "type": "integer", "minimum": 1, "default": 1800,
            "description": "longest silence before the engine counts as dead, in seconds",
        },
        "sampler": {
            "type": "object", "additionalProperties": False, "required": sorted(SAMPLER),
            "properties": SAMPLER,
        },
    },
    "if": {"properties": {"device": {"const": "cpu"}}},
    "then": {"properties": {"batch_invariant": {"const": False}}},
}  # fmt: skip
GREEDY: dict[str, Any] = {
    "temperature": 0, "top_k": 0, "top_p": 1, "min_p": 0, "repetition_penalty": 1,
    "presence_penalty": 0, "frequency_penalty": 0, "min_tokens": 0, "stop_token_ids": [],
}  # fmt: skip
EXAMPLES: tuple[dict[str, Any], ...] = (
    {
        "context": 2048, "batch": 512, "block": 128, "threads": 2, "device": "cpu", "eager": True,
        "dtype": "float32", "kv_type": "auto", "kv_mib": 256, "batch_invariant": False,
        "sampler": GREEDY,
    },
)  # fmt: skip
NEEDS_KEYS = False
REFERENCE = False
SNAPSHOTS = True
SHOWN = ("/proc/cpuinfo",)  # torch fails without it

# Stated so that no default of the server's can change them unseen.
FIXED: dict[str, Any] = {
    "n": 1, "echo": False, "stop": [], "ignore_eos": False, "skip_special_tokens": True,
    "spaces_between_special_tokens": True, "include_stop_str_in_output": False,
    "add_special_tokens": False, "truncate_prompt_tokens": None, "logit_bias": None,
    "bad_words": [], "allowed_token_ids": None, "prompt_logprobs": None, "logprobs": None,
    "use_beam_search": False, "return_token_ids": True,
}  # fmt: skip
FINISH = {"stop": STOP, "length": LENGTH}


@contextmanager
def open_engine(settings: Settings, weights: Path, log: IO[bytes]) -> Iterator[Vllm]:
    """Start the server on the weights; its own messages go to `log`."""
    seed = settings["seed"] % 2**31
    engine = Vllm(settings, Server(weights, settings["parameters"], seed, log))
    try:
        engine.restart()
        yield engine
    finally:
        engine.server.close()


class Vllm:
    """The engine as the run over all tasks sees it."""

    def __init__(self, settings: Settings, server: Server) -> None:
        self.parameters, self.server, self.api = settings["parameters"], server, server.api
        self.sampler = {**self.parameters["sampler"], "seed": server.seed}
        self.values = self.parameters.get("template_values", {})
        self.context = 0

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """Return versions, binaries, arguments, environment, sampler, model, template, devices."""
        about = dict(self.server.about)
        return {
            "chat_template_sha256": sha256_text(about.pop("chat_template")), **about,
            "sampler": self.sampler, "fixed": FIXED, "template_values": self.values,
        }  # fmt: skip

    @property
    def measured(self) -> Mapping[str, Any]:
        """Return how long the last start took, in microseconds."""
        return {"started_us": self.server.started_us}

    def restart(self) -> None:
        """Start the server anew and ask it for the context that it really has."""
        self.server.start()
        self.context = self.server.about["context"]
        require_no_clock(self.server.about["chat_template"], "chat_template", CLOCK)

    def answer(self, request: Request) -> Answer:
        """Render, count, ask; a prompt that does not fit is void and never cut."""
        tokens = self.api.tokens(request.prompt, self.values)
        rendered = self.api.text(tokens)
        reason = too_large(len(tokens), request.max_tokens, self.context)
        if reason:
            return Answer("", sha256_text(rendered), finish_reason=ERROR, void=reason,
                          prompt_tokens=len(tokens))  # fmt: skip
        return self._answer(rendered, len(tokens), self._complete(tokens, request.max_tokens))

    def margin(self, request: Request, part: str, character: int) -> Margin | None:
        """Ask again for the two likeliest tokens at each place; return those of one character."""
        tokens = self.api.tokens(request.prompt, self.values)
        timed = self._complete(tokens, request.max_tokens, logprobs=2)
        again = getattr(self._answer(self.api.text(tokens), len(tokens), timed), part) or ""
        place = max(0, timed.text.find(again)) + character
        return margin_of(next((one for end, one in timed.choices if end > place), None))

    def _complete(self, tokens: list[int], max_tokens: int, **other: Any) -> Timed:
        body = {**FIXED, **self.sampler, **other, "max_tokens": max_tokens, "prompt": tokens}
        return self.api.complete(body)

    def _answer(self, rendered: str, tokens: int, timed: Timed) -> Answer:
        opened = rendered.rstrip().endswith("<think>")
        thinking, response = split_thinking(clean_text(timed.text), opened=opened)
        details = timed.usage.get("prompt_tokens_details") or {}
        return Answer(
            response=response, thinking=thinking, rendered_sha256=sha256_text(rendered),
            finish_reason=FINISH.get(timed.finish or "", ERROR),
            prompt_tokens=timed.usage["prompt_tokens"],
            completion_tokens=timed.usage["completion_tokens"],
            cached_tokens=details.get("cached_tokens") or 0, void=self._void(timed, tokens),
            latency_us=timed.latency_us, ttft_us=timed.ttft_us,
            prompt_us=_microseconds(timed.metrics, "time_to_first_token_ms"),
            decode_us=_microseconds(timed.metrics, "generation_time_ms"),
        )  # fmt: skip

    @staticmethod
    def _void(timed: Timed, tokens: int) -> str | None:
        if timed.usage["prompt_tokens"] != tokens:
            return f"the engine read {timed.usage['prompt_tokens']} of {tokens} prompt tokens"
        if timed.finish not in FINISH:
            return f"the engine stopped for no known reason ({timed.finish})"
        return None


def _microseconds(metrics: Mapping[str, Any], name: str) -> int:
    """Return a time of the engine's own; 0 where it tells none."""
    return round((metrics.get(name) or 0) * 1000)
