"""The OpenAI Batch API's output and error files: JSON lines, in any order, matched by `custom_id`.

A line is {"id", "custom_id", "response": {"status_code", "request_id", "body"} | null, "error":
{"code", "message"} | null} (API reference: "The request output object"). Both files come from
outside: each line is checked, and a wrong one is named by file and number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.core.errors import UserError
from assay.core.files import canonical_json
from assay.core.seeds import digest
from assay.engines._batch_requests import BODY, PROMPT, TASK, custom_id
from assay.engines.base import Request, Settings

OUTPUT, ERRORS = "output.jsonl", "errors.jsonl"
_OURS = re.compile(rf"([0-9a-f]{{{TASK}}})-([0-9a-f]{{{PROMPT}}})-([0-9a-f]{{{BODY}}})")
_FORM = "a line of the Batch API's output or error file"


@dataclass(frozen=True)
class Result:
    """One line: where it stands, and the response or the error in it (one of them, or both)."""

    where: str
    response: Mapping[str, Any] | None
    error: Mapping[str, Any] | None


def read_results(
    requests: Sequence[Request], settings: Settings, folder: Path
) -> tuple[dict[str, Result], str]:
    """Return the results by `custom_id`, and a digest of them that no order of lines changes.

    Raises UserError for a line that is none, a second one for a request, or one for another
    request than these.
    """
    wanted = {custom_id(request, settings): request for request in requests}
    found: dict[str, Result] = {}
    texts = []
    for where, line, text in _lines(folder):
        identity = line.get("custom_id")
        result = _result(where, line)
        if not isinstance(identity, str) or identity not in wanted:
            raise _stranger(where, identity, wanted)
        if identity in found:
            raise UserError(
                "two results for one request", where=where, given=f"custom_id {identity}",
                expected=f"one line; the first is {found[identity].where}",
                hint="keep the one that counts, and delete the other",
            )  # fmt: skip
        found[identity] = result
        texts.append(text)
    return found, digest(*sorted(texts))


def malformed(where: str, why: object) -> UserError:
    """Return the error for a line that is not of the documented form."""
    return UserError(
        "this is no result of a batch", where=where, given=why, expected=_FORM,
        hint="put the file there as it was downloaded",
    )  # fmt: skip


def _lines(folder: Path) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield each line's place, content and canonical text; blank lines are skipped."""
    for name in (OUTPUT, ERRORS):
        path = folder / name
        if not path.is_file():
            continue
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UserError("can't read the results", where=path, given=error.strerror) from error
        for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
            if raw.strip():
                where = f"{path}, line {number}"
                yield where, *_parsed(where, raw)


def _parsed(where: str, raw: bytes) -> tuple[dict[str, Any], str]:
    try:
        value = json.loads(raw.decode("utf-8"))
        # Refuses NaN and infinity, which are no JSON.
        text = canonical_json(value)
    except (ValueError, RecursionError) as error:
        raise malformed(where, f"{type(error).__name__}: {error}") from error
    if not isinstance(value, dict):
        raise malformed(where, f"JSON, but no object ({type(value).__name__})")
    return value, text


def _result(where: str, line: Mapping[str, Any]) -> Result:
    response, error = line.get("response"), line.get("error")
    if not all(part is None or isinstance(part, dict) for part in (response, error)):
        raise malformed(where, "`response` and `error` must be objects or null")
    if response is None and error is None:
        raise malformed(where, "neither a response nor an error")
    return Result(where, response, error)


def _stranger(where: str, identity: object, wanted: Mapping[str, Request]) -> UserError:
    """Return the error for a result of no request of this run, which says how near it is."""
    ours = _OURS.fullmatch(identity) if isinstance(identity, str) else None
    parts = [known.split("-") for known in wanted]
    same = next((part for part in parts if ours and part[0] == ours[1]), None)
    if ours is None or same is None:
        what = "a result for no request of this run"
    elif same[1] != ours[2]:
        what = "a result for another prompt of this task"
    else:
        what = "a result for a request with another model, sampler, budget or seed"
    return UserError(
        what, where=where, given=f"custom_id {identity!r}"[:120],
        expected="a custom_id of the requests that this run wrote",
        hint="run the requests as they are now, and replace both files",
    )  # fmt: skip
