"""The journal: finished answers, safe on the disk before the next request starts.

One JSON object a line: {"request": digest, "answer": {…}, "sha256": of both}. The file is named by
the engine's fingerprint, so answers of two fingerprints never meet; the request's digest covers the
prompt and its budget. A line that a kill or a full disk tore, or that changed on the disk, is cut
off with all that follows when the journal is opened again: these requests are asked anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from assay.core.errors import UserError
from assay.core.files import canonical_json, sha256_text
from assay.core.seeds import digest
from assay.engines.base import Answer, Request

_FIELDS = {field.name for field in fields(Answer)}


def journal_path(output: Path, fingerprint: str) -> Path:
    """Return the journal of an output and a fingerprint id."""
    return output.parent / f".{output.stem}.{fingerprint[:12]}.journal"


def request_digest(request: Request) -> str:
    """Return the identity of a request: the task, its prompt and its budget."""
    return digest(request.target, request.task_id, request.prompt_sha256, request.max_tokens)


def remove_journals(output: Path) -> None:
    """Remove every journal of an output, of this fingerprint and of older ones."""
    for path in sorted(output.parent.glob(f".{output.stem}.*.journal")):
        path.unlink()


class Journal:
    """Answers that are done, and the open file that takes the next ones."""

    def __init__(self, handle: int, path: Path, done: dict[str, Answer]) -> None:
        self.handle, self.path, self.done = handle, path, done

    def get(self, request: Request) -> Answer | None:
        """Return the answer of an earlier, interrupted run, if there is one."""
        return self.done.get(request_digest(request))

    def put(self, request: Request, answer: Answer) -> None:
        """Append an answer and force it to the disk; raise UserError if the disk is full."""
        request_id, values = request_digest(request), asdict(answer)
        sealed = {"request": request_id, "answer": values, "sha256": _seal(request_id, values)}
        line = canonical_json(sealed)
        try:
            _write_all(self.handle, line.encode("utf-8") + b"\n")
            os.fsync(self.handle)
        except OSError as error:
            raise UserError(
                f"can't write the journal of answers: {error.strerror}", where=self.path,
                hint="free some space, then run again: finished answers are kept",
            ) from error  # fmt: skip


@contextmanager
def open_journal(path: Path) -> Iterator[Journal]:
    """Open a journal, keep its whole lines and cut off what comes after the last of them."""
    with path.open("a+b", buffering=0) as raw:
        raw.seek(0)
        done, good = _read(raw.read())
        raw.truncate(good)
        yield Journal(raw.fileno(), path, done)


def _write_all(handle: int, data: bytes) -> None:
    # A nearly full disk takes a part of the bytes and fails at the next call.
    while data:
        data = data[os.write(handle, data) :]


def _read(data: bytes) -> tuple[dict[str, Answer], int]:
    done: dict[str, Answer] = {}
    good = 0
    for line in data.splitlines(keepends=True):
        entry = _parse(line)
        if entry is None:
            break
        done[entry[0]] = entry[1]
        good += len(line)
    return done, good


def _parse(line: bytes) -> tuple[str, Answer] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
        request, values = entry["request"], entry["answer"]
        if entry["sha256"] != _seal(request, values):
            return None
    except (ValueError, TypeError, KeyError):
        return None
    answer = answer_of(values)
    return (request, answer) if answer and isinstance(request, str) else None


def answer_of(values: Any) -> Answer | None:
    """Return the answer of an answer's fields; None if they are not exactly these."""
    known = isinstance(values, dict) and set(values) == _FIELDS
    return Answer(**values) if known else None


def _seal(request: str, values: Mapping[str, Any]) -> str:
    """Return the digest that a line bears of itself; raise ValueError for what JSON can't hold."""
    return sha256_text(canonical_json([request, values]))
