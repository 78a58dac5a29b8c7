"""A fake of the OpenAI Batch API: reads an input file, writes an output and an error file.

It checks the input as the API's reference describes it, and writes the documented output objects
(https://platform.openai.com/docs/api-reference/batch: "The request input object", "The request
output object"; "The chat completion object"). Nothing in it was answered by a model: an answer is
the prompt in capitals, unless `replies` says otherwise for the number of a request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

BODY = {
    "model", "messages", "temperature", "top_p", "presence_penalty", "frequency_penalty",
    "reasoning_effort", "max_tokens", "max_completion_tokens", "seed",
}  # fmt: skip


def requests(text: str) -> list[dict[str, Any]]:
    """Return the requests of an input file; raise ValueError for what the API would refuse."""
    if not text.endswith("\n") or not text.isascii():
        raise ValueError("lines that end with LF, in ASCII")
    found = [json.loads(line) for line in text.split("\n")[:-1]]
    for one in found:
        if list(one) != ["custom_id", "method", "url", "body"]:
            raise ValueError(f"keys: {list(one)}")
        if (one["method"], one["url"]) != ("POST", "/v1/chat/completions"):
            raise ValueError(f"{one['method']} {one['url']}")
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", one["custom_id"]):
            raise ValueError(f"custom_id {one['custom_id']}")
        if set(one["body"]) - BODY or not {"model", "messages"} <= set(one["body"]):
            raise ValueError(f"body: {sorted(one['body'])}")
        (message,) = one["body"]["messages"]
        if set(message) != {"role", "content"} or message["role"] != "user":
            raise ValueError(f"message: {message}")
    if len({one["custom_id"] for one in found}) != len(found):
        raise ValueError("custom_id repeats")
    return found


def completion(request: Mapping[str, Any], number: int, **choice: Any) -> dict[str, Any]:
    """Return a chat completion object; `choice` changes the choice, its message, or the usage."""
    content = request["body"]["messages"][0]["content"].upper()
    message = {"role": "assistant", "content": content, "refusal": None, "annotations": []}
    message |= choice.pop("message", {})
    usage = {
        "prompt_tokens": 20 + number, "completion_tokens": 7, "total_tokens": 27 + number,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 3, "audio_tokens": 0, "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }  # fmt: skip
    usage = {**usage, **changed} if (changed := choice.pop("usage", {})) is not None else None
    whole = {
        "id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1764000000 + number,
        "model": f"{request['body']['model']}-2026-01-01", "service_tier": "default",
        "system_fingerprint": f"fp_{number % 2}", "usage": usage,
    }  # fmt: skip
    whole |= choice.pop("whole", {})
    one = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop", **choice}
    return {**whole, "choices": [one]}


def answered(request: Mapping[str, Any], number: int, **choice: Any) -> dict[str, Any]:
    """Return a line of the output file."""
    body = completion(request, number, **choice)
    return _line(request, number, {"status_code": 200, "body": body}, None)


def failed(request: Mapping[str, Any], number: int, status: int, code: str) -> dict[str, Any]:
    """Return a line of the error file, for a request that the API refused."""
    error = {"message": "Incorrect API key: sk-canary", "type": "invalid_request_error",
             "param": None, "code": code}  # fmt: skip
    return _line(request, number, {"status_code": status, "body": {"error": error}}, None)


def expired(request: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return a line of the error file, for a request that was not reached in 24 hours."""
    error = {"code": "batch_expired", "message": "This request could not be executed before the "
             "completion window expired."}  # fmt: skip
    return _line(request, number, None, error)


def _line(
    request: Mapping[str, Any], number: int, response: dict[str, Any] | None, error: Any
) -> dict[str, Any]:
    if response is not None:
        response = {"status_code": response["status_code"], "request_id": f"req_{number}",
                    "body": response["body"]}  # fmt: skip
    return {"id": f"batch_req_{number}", "custom_id": request["custom_id"], "response": response,
            "error": error}  # fmt: skip


def text(lines: list[dict[str, Any]]) -> str:
    """Return a file of these lines."""
    return "".join(json.dumps(line) + "\n" for line in lines)
