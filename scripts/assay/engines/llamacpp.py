"""llama.cpp, as its own server in a child process: GGUF weights on the CPU, or layers on a GPU.

One slot, no prompt cache, no context shift, every sampler option stated and checked against what
the server says it used. The chat template is the one inside the weights unless the model file
names another. An answer ends at the model's own end-of-generation token or at its budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from assay.core.errors import HarnessError, UserError
from assay.core.files import sha256_text
from assay.engines._choices import margin_of
from assay.engines._llamacpp_client import Server, Timed
from assay.engines._rules import CLOCK, require_no_clock, too_large
from assay.engines._text import clean_text, split_thinking
from assay.engines.base import LENGTH, STOP, Answer, Margin, Request, Settings

_NUMBER, _WHOLE = {"type": "number"}, {"type": "integer"}
SAMPLER: dict[str, Any] = {
    "temperature": _NUMBER, "samplers": {"type": "array", "items": {"type": "string"}},
    "top_k": _WHOLE, "top_p": _NUMBER, "min_p": _NUMBER, "typical_p": _NUMBER,
    "top_n_sigma": _NUMBER, "xtc_probability": _NUMBER, "xtc_threshold": _NUMBER,
    "dynatemp_range": _NUMBER, "dynatemp_exponent": _NUMBER, "repeat_last_n": _WHOLE,
    "repeat_penalty": _NUMBER, "presence_penalty": _NUMBER, "frequency_penalty": _NUMBER,
    "dry_multiplier": _NUMBER, "dry_base": _NUMBER, "dry_allowed_length": _WHOLE,
    "dry_penalty_last_n": _WHOLE, "mirostat": _WHOLE, "mirostat_tau": _NUMBER,
    "mirostat_eta": _NUMBER,
}  # fmt: skip
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["context", "batch", "ubatch", "threads", "gpu_layers", "flash_attention",
                 "kv_type", "sampler"],
    "properties": {
        "context": {"type": "integer", "minimum": 64, "description": "tokens, prompt and answer"},
        "batch": {"type": "integer", "minimum": 1, "description": "logical batch, in tokens"},
        "ubatch": {"type": "integer", "minimum": 1, "description": "physical batch, in tokens"},
        "threads": {"type": "integer", "minimum": 1},
        "gpu_layers": {"type": "integer", "minimum": 0, "description": "layers on the GPU"},
        "flash_attention": {
            "type": "boolean",
            "description": "off on a CPU: there it makes the text depend on the threads",
        },
        "kv_type": {"enum": ["f16", "f32", "q8_0"]},
        "chat_template": {"type": ["string", "null"], "description": "Jinja; null: the weights'"},
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
    "temperature": 0, "samplers": ["temperature"], "top_k": 0, "top_p": 1, "min_p": 0,
    "typical_p": 1, "top_n_sigma": -1, "xtc_probability": 0, "xtc_threshold": 0.5,
    "dynatemp_range": 0, "dynatemp_exponent": 1, "repeat_last_n": 0, "repeat_penalty": 1,
    "presence_penalty": 0, "frequency_penalty": 0, "dry_multiplier": 0, "dry_base": 1.75,
    "dry_allowed_length": 2, "dry_penalty_last_n": 0, "mirostat": 0, "mirostat_tau": 5,
    "mirostat_eta": 0.1,
}  # fmt: skip
EXAMPLES: tuple[dict[str, Any], ...] = (
    {
        "context": 2048, "batch": 512, "ubatch": 256, "threads": 2, "gpu_layers": 0,
        "flash_attention": False, "kv_type": "f16", "sampler": GREEDY,
    },
)  # fmt: skip
NEEDS_KEYS = False
REFERENCE = False

# Stated so that no default of the server's can change them unseen.
FIXED: dict[str, Any] = {
    "cache_prompt": False, "stop": [], "n_keep": 0, "n_discard": 0, "ignore_eos": False,
    "logit_bias": [], "grammar": "", "n_probs": 0, "min_keep": 0,
}  # fmt: skip
CHECKED = ("n_keep", "n_discard", "ignore_eos", "n_probs", "min_keep")
TOLERANCE = 1e-6  # the server keeps single-precision numbers
FINISH = {"eos": STOP, "word": STOP, "limit": LENGTH}


@contextmanager
def open_engine(settings: Settings, weights: Path, log: IO[bytes]) -> Iterator[LlamaCpp]:
    """Start the server on the weights; its own messages go to `log`."""
    engine = LlamaCpp(settings, Server(weights, settings["parameters"], log))
    try:
        engine.restart()
        yield engine
    finally:
        engine.server.stop()


class LlamaCpp:
    """The engine as the run over all tasks sees it."""

    def __init__(self, settings: Settings, server: Server) -> None:
        self.parameters, self.server = settings["parameters"], server
        # 2**32 - 1 is llama.cpp's word for "draw a seed".
        self.sampler = {**self.parameters["sampler"], "seed": settings["seed"] % (2**32 - 1)}
        self.context = 0

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """Return version, binary, arguments, sampler, template, CPU flags, context, layers."""
        about = self.server.about
        cards = [device for device in about["devices"] if device["name"] != "CPU"]
        return {
            "version": about["version"], "binary_sha256": about["binary_sha256"],
            "arguments": about["arguments"], "system": about["system"], "devices": cards,
            "sampler": self.sampler, "fixed": FIXED, "context": self.context,
            "layers_offloaded": list(self.server.layers_offloaded),
            "chat_template_sha256": sha256_text(about["chat_template"]),
        }  # fmt: skip

    @property
    def measured(self) -> Mapping[str, Any]:
        """Return the devices by their names, the CPU's among them."""
        return {"devices": self.server.about["devices"]}

    def restart(self) -> None:
        """Start the server anew and ask it for the context that it really has."""
        self.server.start()
        self.context = self.server.about["context"]
        require_no_clock(self.server.about["chat_template"], "chat_template", CLOCK)
        if self.parameters["gpu_layers"] and not self.server.layers_offloaded[0]:
            raise UserError(
                "no layer of the model is on a card", where="parameters.gpu_layers",
                given=f"{self.parameters['gpu_layers']} asked for; the engine sees "
                + (", ".join(found["name"] for found in self.server.about["devices"]) or "nothing"),
                expected="a card, its driver, and an engine that was built for it",
                hint="look into engine.log for the reason, or set `gpu_layers: 0`",
            )  # fmt: skip

    def answer(self, request: Request) -> Answer:
        """Render, count, ask; a prompt that does not fit is void and never cut."""
        rendered = self.server.render(request.prompt)
        tokens = self.server.count_tokens(rendered)
        reason = too_large(tokens, request.max_tokens, self.context)
        if reason:
            return Answer("", sha256_text(rendered), finish_reason="error", void=reason,
                          prompt_tokens=tokens)  # fmt: skip
        timed = self._complete(rendered, request.max_tokens)
        self._check(timed.last["generation_settings"])
        return self._answer(rendered, tokens, timed)

    def _complete(self, rendered: str, max_tokens: int, **other: Any) -> Timed:
        body = {**FIXED, **self.sampler, **other, "n_predict": max_tokens, "prompt": rendered}
        return self.server.complete(body)

    def margin(self, request: Request, part: str, character: int) -> Margin | None:
        """Ask again for the two likeliest tokens at each place; return those of one character."""
        rendered = self.server.render(request.prompt)
        timed = self._complete(rendered, request.max_tokens, n_probs=2)
        again = getattr(self._answer(rendered, 0, timed), part) or ""
        place = max(0, timed.text.find(again)) + character
        return margin_of(next((one for end, one in timed.choices if end > place), None))

    def _answer(self, rendered: str, tokens: int, timed: Timed) -> Answer:
        last = timed.last
        times = last["timings"]
        opened = rendered.rstrip().endswith("<think>")
        thinking, response = split_thinking(clean_text(timed.text), opened=opened)
        return Answer(
            response=response, thinking=thinking, rendered_sha256=sha256_text(rendered),
            finish_reason=FINISH.get(last["stop_type"], "error"),
            prompt_tokens=last["tokens_evaluated"], completion_tokens=last["tokens_predicted"],
            cached_tokens=times["cache_n"], void=self._void(last, tokens),
            latency_us=timed.latency_us, ttft_us=timed.ttft_us,
            prompt_us=round(times["prompt_ms"] * 1000),
            decode_us=round(times["predicted_ms"] * 1000),
        )  # fmt: skip

    def _void(self, last: Mapping[str, Any], tokens: int) -> str | None:
        on_card, layers = self.server.layers_offloaded
        if on_card < min(self.parameters["gpu_layers"], layers or 1):
            return f"only {on_card} of {layers} layers are on the GPU"
        if last["truncated"]:
            return "the context was shifted or cut short"
        if last["tokens_evaluated"] != tokens:
            return f"the engine read {last['tokens_evaluated']} of {tokens} prompt tokens"
        if last["stop_type"] not in FINISH:
            return f"the engine stopped for no known reason ({last['stop_type']})"
        return None

    def _check(self, used: Mapping[str, Any]) -> None:
        stated = {**self.sampler, **{name: FIXED[name] for name in CHECKED}}
        for name, value in sorted(stated.items()):
            found = used.get(name)
            number = isinstance(value, (int, float)) and isinstance(found, (int, float))
            if (number and abs(found - value) > TOLERANCE) or (not number and found != value):
                raise HarnessError(f"the engine used {name} = {found!r}, not {value!r}")
