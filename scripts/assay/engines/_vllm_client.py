"""HTTP to vLLM's own server, as its version 0.32 has it: tokens in, tokens out.

What this asks for: /health, /v1/models, /tokenize, /detokenize and /v1/completions. A prompt goes
in as the token ids that /tokenize made of the message and the chat template, so what was counted
is what is read.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.engines._http import Link
from assay.engines.base import EngineDiedError

PREFIX = b"data: "


@dataclass(frozen=True)
class Timed:
    """A streamed completion. Times in microseconds.

    finish:  the server's own word for why it ended; None if it said none
    usage:   what the server counted
    metrics: what it measured itself, in milliseconds
    choices: for each token the length of the text up to its end, and what the server says of its
             probability; empty if it was not asked for
    """

    text: str
    finish: str | None
    usage: Mapping[str, Any]
    metrics: Mapping[str, Any]
    latency_us: int
    ttft_us: int | None
    choices: tuple[tuple[int, Mapping[str, Any]], ...] = ()


class Api:
    """One model of one server."""

    def __init__(self, link: Link, model: str) -> None:
        self.link, self.model = link, model

    def is_up(self) -> bool:
        """Tell whether the server answers."""
        try:
            self.link.open("GET", "/health").close()
        except EngineDiedError:
            return False
        return True

    def context(self) -> int:
        """Return the tokens of prompt and answer that the server has room for."""
        (found,) = self.link.ask("GET", "/v1/models")["data"]
        return int(found["max_model_len"])

    def tokens(self, prompt: str, values: Mapping[str, Any]) -> list[int]:
        """Return the token ids of a user message within the chat template.

        values: what the template is handed beside the message
        """
        body = {
            "model": self.model, "messages": [{"role": "user", "content": prompt}],
            "add_generation_prompt": True, "add_special_tokens": False,
            "chat_template_kwargs": dict(values),
        }  # fmt: skip
        return [int(one) for one in self.link.ask("POST", "/tokenize", body)["tokens"]]

    def text(self, tokens: Sequence[int]) -> str:
        """Return the text of token ids."""
        body = {"model": self.model, "tokens": list(tokens)}
        return str(self.link.ask("POST", "/detokenize", body)["prompt"])

    def complete(self, body: Mapping[str, Any]) -> Timed:
        """Stream one completion to its end; raise EngineDiedError if it breaks off."""
        order = {
            **body, "model": self.model, "stream": True, "stream_options": {"include_usage": True},
        }  # fmt: skip
        began = time.monotonic_ns()
        first: int | None = None
        finish: str | None = None
        text, choices = "", list[tuple[int, Mapping[str, Any]]]()
        with self.link.open("POST", "/v1/completions", order) as reply:
            for event in self.link.events(reply, PREFIX):
                if "error" in event:
                    raise EngineDiedError(f"vLLM failed: {event['error']}")
                for choice in event["choices"]:
                    if first is None and choice.get("token_ids"):
                        first = (time.monotonic_ns() - began) // 1000
                    choices += likely(choice, len(text))
                    text += choice["text"]
                    finish = choice.get("finish_reason") or finish
                if event.get("usage") and not event["choices"]:
                    took = (time.monotonic_ns() - began) // 1000
                    measured = event.get("metrics") or {}
                    return Timed(text, finish, event["usage"], measured, took, first,
                                 tuple(choices))  # fmt: skip
        raise EngineDiedError("vLLM broke off an answer")


def likely(choice: Mapping[str, Any], start: int) -> list[tuple[int, dict[str, Any]]]:
    """Return for each token of an event its end and {token, logprob, top_logprobs}.

    start: length of the text before the event; its last token ends where the event's text does
    """
    told = choice.get("logprobs")
    if not told:
        return []
    found, end = [], start
    rows = zip(told["tokens"], told["token_logprobs"], told["top_logprobs"], strict=True)
    for token, value, others in rows:
        end = min(end + len(token), start + len(choice["text"]))
        pairs = sorted(others.items(), key=lambda pair: (-pair[1], pair[0]))
        top = [{"token": name, "logprob": logprob} for name, logprob in pairs]
        found.append((end, {"token": token, "logprob": value, "top_logprobs": top}))
    return found
