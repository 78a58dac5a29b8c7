"""A result of a batch as an answer: what the model wrote, or why it is void; and what it used.

The body of a response is a chat completion (API reference: "The chat completion object"); its
`finish_reason` is one of stop, length, content_filter, tool_calls, function_call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.engines._batch_results import Result, malformed
from assay.engines._text import clean_text
from assay.engines.base import ERROR, LENGTH, STOP, Answer, Request

OK = 200
FINISH = {"stop": STOP, "length": LENGTH}
_CODE = re.compile(r"[\w.-]{1,60}", re.ASCII)


@dataclass(frozen=True)
class Used:
    """What one response says of itself; token counts are whole numbers."""

    model: str = ""
    system_fingerprint: str | None = None
    prompt: int = 0
    completion: int = 0
    cached: int = 0  # of the prompt's
    reasoning: int = 0  # of the completion's


def answer_of(
    request: Request, result: Result | None, *, accept_cache: bool
) -> tuple[Answer, Used | None]:
    """Return the answer to a request, and what it used; None where nothing was generated.

    accept_cache: an answer is no less one for prompt tokens from the provider's cache
    Raises UserError for a line that is not of the documented form.
    """
    if result is None:
        return _void(request, "the batch's results have no line for this task"), None
    if result.error is not None:
        return _void(request, f"the batch gave no answer ({_code(result.error)})"), None
    response = result.response or {}
    status, body = response.get("status_code"), response.get("body")
    if not isinstance(status, int) or not isinstance(body, dict):
        raise malformed(result.where, "a response without status_code and body")
    if status != OK:
        inner = body.get("error")
        code = _code(inner if isinstance(inner, dict) else body)
        return _void(request, f"the batch gave no answer (HTTP status {status}, {code})"), None
    return _completion(request, body, result.where, accept_cache)


def _completion(
    request: Request, body: Mapping[str, Any], where: str, accept_cache: bool
) -> tuple[Answer, Used]:
    choices = body.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        raise malformed(where, "a chat completion with other than one choice")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        raise malformed(where, "a choice without a message")
    why = str(choices[0].get("finish_reason"))
    used, counted = _used(body, where)
    void = _refused(message, why) or (None if counted else "the result has no token counts")
    if used.cached and not void and not accept_cache:
        void = f"{used.cached} prompt tokens came from a cache"
    thinking = _text(message, "reasoning_content", where) or _text(message, "reasoning", where)
    answer = Answer(
        response=_text(message, "content", where) or "", thinking=thinking,
        # The chat template is the provider's, out of sight.
        rendered_sha256=request.prompt_sha256, finish_reason=FINISH.get(why, ERROR),
        prompt_tokens=used.prompt, completion_tokens=used.completion,
        cached_tokens=used.cached, void=void,
    )  # fmt: skip
    return answer, used


def _refused(message: Mapping[str, Any], why: str) -> str | None:
    """Return why a completion is no answer, or None."""
    if why == "content_filter":
        return "the provider's content filter left the answer out"
    if message.get("refusal"):
        return "the model refused to answer"
    if why not in FINISH:
        return f"the model stopped for no known reason ({_code({'code': why})})"
    return None


def _used(body: Mapping[str, Any], where: str) -> tuple[Used, bool]:
    """Return what a completion used, and whether it says so."""
    model, system = (_text(body, name, where) for name in ("model", "system_fingerprint"))
    if not model:
        raise malformed(where, "a chat completion that does not name its model")
    usage = body.get("usage")
    if usage is None:
        return Used(model, system), False
    read = _inner(usage, "prompt_tokens_details", where)
    made = _inner(usage, "completion_tokens_details", where)
    return Used(
        model, system, _count(usage, "prompt_tokens", where),
        _count(usage, "completion_tokens", where),
        _count(read, "cached_tokens", where), _count(made, "reasoning_tokens", where),
    ), True  # fmt: skip


def _inner(usage: Any, name: str, where: str) -> Mapping[str, Any]:
    found = usage.get(name) if isinstance(usage, dict) else 0
    if found is not None and not isinstance(found, dict):
        raise malformed(where, f"`usage`, or `{name}` in it, is no object")
    return found or {}


def _count(record: Mapping[str, Any], name: str, where: str) -> int:
    value = record.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise malformed(where, f"{name} is no count of tokens")
    return value


def _text(record: Mapping[str, Any], name: str, where: str) -> str | None:
    """Return a text without lone surrogates, which UTF-8 can't hold."""
    value = record.get(name)
    if value is not None and not isinstance(value, str):
        raise malformed(where, f"`{name}` is no text")
    return None if value is None else clean_text(value)


def _code(error: Mapping[str, Any]) -> str:
    """Return an error's code; never its message, which may quote a key."""
    code = error.get("code") or error.get("type")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else "no code"


def _void(request: Request, why: str) -> Answer:
    return Answer("", request.prompt_sha256, finish_reason=ERROR, void=why)
