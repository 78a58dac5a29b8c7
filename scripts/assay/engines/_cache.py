"""The response cache: answers of finished runs, so that only what is new is asked.

A finished run leaves its answers as lines beside its telemetry. The host's side of the workflow
puts them into the cache, a file an answer; a later run reads them, from inside its view and without
a way to write. Decision 0011 says why it is done so. Below ASSAY_CACHE:

    responses/<weights sha256>/<fingerprint id>-<digest of the engine's code>/<request digest>.json

An entry bears a digest of itself and of its place. One that is damaged is not used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from assay.core.files import canonical_json, sha256_file, sha256_text, write_text
from assay.core.progress import say
from assay.core.seeds import digest
from assay.engines._journal import Journal, answer_of, request_digest
from assay.engines.base import Answer, Request

FILE = "answers.jsonl"  # beside the telemetry of a run
_KEY = re.compile(r"[0-9a-f]{16}-[0-9a-f]{16}")
_REQUEST = re.compile(r"[0-9a-f]{64}")


def response_folder(cache: Path, weights_sha256: str) -> Path:
    """Return the folder of a model's answers: its view shows no other model's."""
    return cache / "responses" / weights_sha256


def cache_key(fingerprint: str, engine: str) -> str:
    """Return the folder's name: the fingerprint's id and a digest of the code that makes answers.

    The code is the engine's own module, its base and all private modules of the room.
    """
    room = Path(__file__).parent
    files = [*sorted(room.glob("_*.py")), room / "base.py", room / f"{engine}.py"]
    code = digest(*(part for path in files for part in (path.name, sha256_file(path))))
    return f"{fingerprint}-{code[:16]}"


def answers_as_lines(key: str, asked: Iterable[tuple[Request, Answer]]) -> str:
    """Return the entries of a run's answers, one a line; void answers are asked again."""
    entries = [
        _entry(key, request_digest(request), replace(answer, from_cache=False))
        for request, answer in asked if answer.void is None
    ]  # fmt: skip
    return "".join(f"{entry}\n" for entry in entries)


def take_known(
    folder: Path, key: str, requests: Sequence[Request], journal: Journal, label: str
) -> None:
    """Give the journal the answers that the cache has, marked as such; nothing is written.

    folder: that of the weights. A damaged entry is told and left out.
    """
    found = 0
    for request in requests:
        if journal.get(request) is None:
            answer = _read(folder, key, request_digest(request))
            if answer:
                journal.done[request_digest(request)] = replace(answer, from_cache=True)
                found += 1
    if found:
        say(f"{label}: {found} of {len(requests)} answers are in the response cache")


def keep(lines: Path, folder: Path) -> int:
    """Put the answers of a finished run into the cache, those that it lacks; return how many.

    lines: the file that the run left; folder: the cache's, of its weights
    A whole file comes in at once, so that runs that do this side by side do no harm. A damaged
    line is told and left out, a damaged entry is replaced. Raises UserError if the disk is full.
    """
    kept = 0
    for line in lines.read_text(encoding="utf-8", errors="replace").splitlines():
        known = _parse(line)
        if known is None:
            say(f"{lines}: a damaged line is left out")
            continue
        key, request, _ = known
        if _read(folder, key, request) is None:
            write_text(_place(folder, key, request), line)
            kept += 1
    return kept


def _place(folder: Path, key: str, request: str) -> Path:
    return folder / key / f"{request}.json"


def _read(folder: Path, key: str, request: str) -> Answer | None:
    path = _place(folder, key, request)
    try:
        known = _parse(path.read_bytes().decode("utf-8", "replace"))
    except FileNotFoundError:
        return None
    except OSError as error:
        say(f"the response cache can't be read: {path.name}: {error.strerror}")
        return None
    if known is None or known[:2] != (key, request):
        say(f"the response cache has a damaged entry, which is not used: {key}/{path.name}")
        return None
    return known[2]


def _entry(key: str, request: str, answer: Answer) -> str:
    values = asdict(answer)
    sealed = {"key": key, "request": request, "answer": values}
    return canonical_json({**sealed, "sha256": _seal(sealed)})


def _parse(line: str) -> tuple[str, str, Answer] | None:
    try:
        entry = json.loads(line)
        seal = entry.pop("sha256")
        key, request, answer = entry["key"], entry["request"], answer_of(entry["answer"])
        whole = seal == _seal(entry)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    # They become names of files.
    named = isinstance(key, str) and isinstance(request, str)
    if not named or not _KEY.fullmatch(key) or not _REQUEST.fullmatch(request):
        return None
    return (key, request, answer) if whole and answer else None


def _seal(entry: dict[str, Any]) -> str:
    """Return the digest that an entry bears; raise ValueError for what JSON can't hold."""
    return sha256_text(canonical_json(entry))
