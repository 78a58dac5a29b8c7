"""The OpenAI Batch API's input file: one JSON object a line, one line a task.

A line is {"custom_id", "method", "url", "body"}, the body is a request of the chat completions API
(API reference: "The request input object", "Create chat completion"). The file may hold 50,000
requests and 200 MB ("Create batch"). A `custom_id` comes back with the answer, as it is; it has to
be unique, and 64 letters, digits, `-` and `_` are what all providers of this format take. So it
carries what an answer must belong to: digests of the task, of its prompt and of the whole body.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assay.core.errors import UserError
from assay.core.files import canonical_json, sha256_text
from assay.core.seeds import digest
from assay.engines.base import Request, Settings

URL = "/v1/chat/completions"
MOST_REQUESTS, MOST_BYTES = 50_000, 200_000_000
SEEDS = 2**63  # `seed` is a signed 64-bit number there
TASK, PROMPT, BODY = 16, 24, 16  # hex digits of each digest


def body_of(request: Request, settings: Settings) -> dict[str, Any]:
    """Return the body of a request: model, message, sampler, budget, seed."""
    chosen = settings["parameters"]
    seed = {"seed": settings["seed"] % SEEDS} if chosen.get("seed", True) else {}
    return {
        "model": chosen["model"], "messages": [{"role": "user", "content": request.prompt}],
        **dict(sorted(chosen["sampler"].items())),
        chosen["budget"]: request.max_tokens + chosen.get("thinking_tokens", 0), **seed,
    }  # fmt: skip


def custom_id(request: Request, settings: Settings) -> str:
    """Return `task-prompt-body`: leading hex digits of three SHA-256 digests, 58 characters."""
    task = digest(request.target, request.task_id)[:TASK]
    body = sha256_text(canonical_json(body_of(request, settings)))[:BODY]
    return f"{task}-{request.prompt_sha256[:PROMPT]}-{body}"


def lines(requests: Iterable[Request], settings: Settings) -> str:
    """Return the file, in ASCII: no reader can take a sign inside a text for the end of a line.

    Raises UserError if it is larger than the Batch API takes.
    """
    made = [_line(request, settings) for request in requests]
    text = "".join(made)
    if len(made) > MOST_REQUESTS or len(text) > MOST_BYTES:
        raise UserError(
            "the batch is larger than the Batch API takes", where=settings["model"],
            given=f"{len(made)} requests, {len(text)} bytes",
            expected=f"at most {MOST_REQUESTS} requests and {MOST_BYTES} bytes",
            hint="make a run of each target, or ask for fewer tasks a category",
        )  # fmt: skip
    return text


def index(requests: Sequence[Request], settings: Settings) -> dict[str, Any]:
    """Return which task and prompt each `custom_id` stands for."""
    return {
        "model": settings["model"], "asked": settings["parameters"]["model"], "url": URL,
        "requests": {custom_id(request, settings): _named(request) for request in requests},
    }  # fmt: skip


def _line(request: Request, settings: Settings) -> str:
    line = {
        "custom_id": custom_id(request, settings), "method": "POST", "url": URL,
        "body": body_of(request, settings),
    }  # fmt: skip
    return json.dumps(line, ensure_ascii=True, allow_nan=False, separators=(",", ":")) + "\n"


def _named(request: Request) -> Mapping[str, Any]:
    names = ("target", "task_id", "prompt_sha256", "max_tokens")
    return {name: getattr(request, name) for name in names}
