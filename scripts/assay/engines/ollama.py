"""Ollama, as a server of its own in a child process, by its documented HTTP API: GGUF weights.

One stream, one model in memory, every option that a request can state stated, temperature 0. The
runner caches prompts and can't be told not to, so the model leaves the memory between two requests
(`keep_alive: 0`, and /api/ps is empty before the next one loads it): no row has a warm cache. The
load itself is not part of a row's latency.

Questions go to /api/chat, not to /api/generate with `raw`: the template, and the parser that takes
thinking apart, are Ollama's own (its Go templates, or the weights' Jinja), so another renderer here
would measure another product than the one that people run. The price: Ollama does not tell the
rendered prompt, nor count it beforehand. So

- `rendered_sha256` is a digest of what the prompt is a function of: template, message, `think`;
- a prompt is never cut: each request says `truncate: false` and `shift: false`, and at each start a
  prompt that can't fit is put to the server, which has to refuse it (older versions ignore the two
  and cut; the run then ends). A refusal voids the row. So does a prompt that leaves less room than
  the answer's budget, by the server's own count, and one of which no token was read (a cached one);
- asking for a count first would load the model twice a row and could only tell the same.

`/api/ps` after each load tells `size` and `size_vram`, the log how many layers went to the card:
where `gpu_layers` is not 0, one that is not wholly on the GPU voids the row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from assay.core.errors import UserError
from assay.core.files import canonical_json, sha256_text
from assay.engines._choices import margin_of
from assay.engines._http import RefusedError
from assay.engines._ollama_client import Told, said_by, too_long
from assay.engines._ollama_rules import (
    CLOCKS,
    misread,
    on_gpu,
    spilled,
    template_digest,
)
from assay.engines._ollama_server import Attached, Server
from assay.engines._rules import require_no_clock
from assay.engines._text import clean_text, split_thinking
from assay.engines.base import ERROR, LENGTH, STOP, Answer, Margin, Request, Settings

_NUMBER, _WHOLE = {"type": "number"}, {"type": "integer"}
SAMPLER: dict[str, Any] = {
    "temperature": _NUMBER, "top_k": _WHOLE, "top_p": _NUMBER, "min_p": _NUMBER,
    "typical_p": _NUMBER, "repeat_last_n": _WHOLE, "repeat_penalty": _NUMBER,
    "presence_penalty": _NUMBER, "frequency_penalty": _NUMBER,
    "stop": {"type": "array", "items": {"type": "string"}},
}  # fmt: skip
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["context", "ubatch", "threads", "gpu_layers", "flash_attention", "kv_type",
                 "parallel", "max_loaded_models", "use_mmap", "think", "sampler"],
    "properties": {
        "context": {"type": "integer", "minimum": 64, "description": "tokens, prompt and answer"},
        "ubatch": {"type": "integer", "minimum": 1, "description": "num_batch, in tokens"},
        "threads": {"type": "integer", "minimum": 1},
        "gpu_layers": {
            "type": "integer", "minimum": 0,
            "description": "0: none; else the whole model has to be on the GPU: state all layers",
        },
        "flash_attention": {"type": "boolean"},
        "kv_type": {"enum": ["f16", "q8_0"]},
        "parallel": {"const": 1, "description": "requests at once"},
        "max_loaded_models": {"const": 1},
        "use_mmap": {"type": "boolean"},
        "think": {"enum": [True, False, "low", "medium", "high", "max"]},
        "template": {"type": ["string", "null"], "description": "Go text; null: Ollama's choice"},
        "renderer": {"type": ["string", "null"], "description": "a name; null: Ollama's choice"},
        "parser": {"type": ["string", "null"], "description": "a name; null: Ollama's choice"},
        "patience_s": {
            "type": "integer", "minimum": 1, "default": 1800,
            "description": "longest silence before the engine counts as dead, in seconds",
        },
        "sampler": {
            "type": "object", "additionalProperties": False, "required": sorted(SAMPLER),
            "properties": SAMPLER,
        },
    },
}  # fmt: skip
GREEDY: dict[str, Any] = {
    "temperature": 0, "top_k": 0, "top_p": 1, "min_p": 0, "typical_p": 1, "repeat_last_n": 0,
    "repeat_penalty": 1, "presence_penalty": 0, "frequency_penalty": 0, "stop": [],
}  # fmt: skip
EXAMPLES: tuple[dict[str, Any], ...] = (
    {
        "context": 2048, "ubatch": 512, "threads": 2, "gpu_layers": 0, "flash_attention": True,
        "kv_type": "q8_0", "parallel": 1, "max_loaded_models": 1, "use_mmap": True,
        "think": False, "sampler": GREEDY,
    },
)  # fmt: skip
NEEDS_KEYS = False
REFERENCE = False

# No drafts, no tokens kept over a shift that never comes, the first card.
FIXED_OPTIONS: dict[str, Any] = {"num_keep": 0, "draft_num_predict": 0, "main_gpu": 0}
FIXED: dict[str, Any] = {"truncate": False, "shift": False}
FINISH = {"stop": STOP, "length": LENGTH}


@contextmanager
def open_engine(settings: Settings, weights: Path, log: IO[bytes]) -> Iterator[Ollama]:
    """Start the server on the weights; its own messages go to `log`."""
    engine = Ollama(settings, Server(weights, settings["parameters"], log))
    try:
        engine.restart()
        yield engine
    finally:
        engine.server.stop()


class Ollama:
    """The engine as the run over all tasks sees it."""

    def __init__(self, settings: Settings, server: Server | Attached) -> None:
        self.parameters, self.server, self.api = settings["parameters"], server, server.api
        # 2**32 - 1 is llama.cpp's word for "draw a seed".
        seed = settings["seed"] % (2**32 - 1)
        self.options = {
            **FIXED_OPTIONS, **self.parameters["sampler"], "seed": seed,
            "num_ctx": self.parameters["context"], "num_batch": self.parameters["ubatch"],
            "num_gpu": self.parameters["gpu_layers"], "num_thread": self.parameters["threads"],
            "use_mmap": self.parameters["use_mmap"],
        }  # fmt: skip
        self.shown: dict[str, Any] = {}
        self.entry: dict[str, Any] = {}
        self.held: dict[str, Any] = {}

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """Return version, binary, arguments, options, template, devices, context, layers."""
        return {
            **self.server.about, **self.held, "options": self.options, "fixed": FIXED,
            "think": self.parameters["think"], "template_sha256": template_digest(self.shown),
            "model_parameters": self.shown.get("parameters", ""),
            "capabilities": self.shown.get("capabilities", []),
        }  # fmt: skip

    @property
    def measured(self) -> Mapping[str, Any]:
        """Return what the model took of the memory when it was last loaded, in bytes."""
        return {name: self.entry.get(name) for name in ("size", "size_vram")}

    def restart(self) -> None:
        """Start the server anew, see what it makes of the model and that it cuts no prompt."""
        self.server.start()
        self.shown = self.api.show()
        require_no_clock(str(self.shown.get("template", "")), "template", *CLOCKS)
        self._load(1)
        self.held = self._holds()
        self._require_refusal()
        self.api.unload()

    def answer(self, request: Request) -> Answer:
        """Load, ask, unload; a prompt that does not fit is void and never cut."""
        self._load(request.max_tokens)
        try:
            told = self._ask(request.prompt, request.max_tokens)
        except RefusedError as error:
            if not too_long(error):
                raise
            reason = f"the engine refused the prompt: {said_by(error)}"
            return Answer("", self._rendered(request.prompt), finish_reason=ERROR, void=reason)
        return self._answer(request, told)

    def margin(self, request: Request, part: str, character: int) -> Margin | None:
        """Ask again for the two likeliest tokens at each place; return those of one character."""
        self._load(request.max_tokens)
        told = self._ask(request.prompt, request.max_tokens, logprobs=True, top_logprobs=2)
        again = getattr(self._answer(request, told), part) or ""
        source = "thinking" if part == "thinking" and told.thinking else "content"
        place = max(0, getattr(told, source).find(again)) + character
        return margin_of(
            next((one for name, end, one in told.choices if name == source and end > place), None)
        )

    def _load(self, max_tokens: int) -> None:
        self.entry = self.api.load({**FIXED, "options": self._options(max_tokens)})

    def _holds(self) -> dict[str, Any]:
        """Return how the model lies in memory; versions that tell no context give the asked one."""
        return {
            "context": self.entry.get("context_length") or self.parameters["context"],
            "on_gpu": on_gpu(self.entry), "layers_offloaded": list(self.server.layers_offloaded),
        }  # fmt: skip

    def _ask(self, prompt: str, max_tokens: int, **other: Any) -> Told:
        messages = [{"role": "user", "content": prompt}]
        asked = {"messages": messages, "options": self._options(max_tokens)}
        return self.api.chat({**FIXED, **other, **asked, "think": self.parameters["think"]})

    def _options(self, max_tokens: int) -> dict[str, Any]:
        return {**self.options, "num_predict": max_tokens}

    def _require_refusal(self) -> None:
        # A number is a token at least.
        prompt = " ".join(str(number) for number in range(self.held["context"] + 1))
        try:
            last = self._ask(prompt, 1).last
        except RefusedError as error:
            if too_long(error):
                return
            raise
        read, limit = last.get("prompt_eval_count", 0), self.held["context"]
        raise UserError(
            "this version of Ollama cuts a prompt that is too long, and does not say so",
            where="the engine's image",
            expected="a refusal, as `truncate: false` asks for",
            given=f"version {self.server.about['version']}: it read "
            f"{read} tokens of a prompt of over {limit}",
            hint="take a newer Ollama",
        )

    def _rendered(self, prompt: str) -> str:
        return sha256_text(
            canonical_json([template_digest(self.shown), prompt, self.parameters["think"]])
        )

    def _answer(self, request: Request, told: Told) -> Answer:
        last, content = told.last, clean_text(told.content)
        thinking: str | None = clean_text(told.thinking).strip() or None
        if thinking is None:
            thinking, content = split_thinking(content)
        return Answer(
            response=content, thinking=thinking, rendered_sha256=self._rendered(request.prompt),
            finish_reason=FINISH.get(last.get("done_reason", ""), ERROR),
            prompt_tokens=last.get("prompt_eval_count", 0),
            completion_tokens=last.get("eval_count", 0), void=self._void(request, last),
            latency_us=told.latency_us, ttft_us=told.ttft_us,
            prompt_us=last.get("prompt_eval_duration", 0) // 1000,
            decode_us=last.get("eval_duration", 0) // 1000,
        )  # fmt: skip

    def _void(self, request: Request, last: Mapping[str, Any]) -> str | None:
        now, reason = self._holds(), None
        if self.parameters["gpu_layers"]:
            reason = spilled(self.entry, now["layers_offloaded"])
        reason = reason or misread(last, request.max_tokens, self.held["context"])
        if reason is None and now != self.held:
            return f"the model lay otherwise in memory than at the start: {now}, not {self.held}"
        if reason is None and last.get("done_reason") not in FINISH:
            return f"the engine stopped for no known reason ({last.get('done_reason')})"
        return reason
