"""Answers of a model that was run again: what differs in each task, and in what it ran on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.core.files import canonical_json, first_character
from assay.core.records import RESPONSES
from assay.core.tables import read_table
from assay.provenance.compare import SHOWN

Row = Mapping[str, Any]
Margins = Mapping[tuple[str, str], Row]
NO_MARGIN = "no margin: the answer ends there, or the engine does not tell"


@dataclass(frozen=True)
class Again:
    """One model's answers beside the published ones.

    same_engine: None where the published fingerprint is not known
    """

    same_engine: bool | None
    equal: int
    total: int
    details: list[str] = field(default_factory=list)


def compare_answers(
    theirs: Path, ours: Path, engines: tuple[Mapping[str, Any] | None, Mapping[str, Any] | None],
    margins: Margins,
) -> Again:  # fmt: skip
    """Compare two tables of responses, and the two fingerprints (published, ours) in full.

    margins: what our engine said of the places that differ, by (target, task_id)
    """
    was = {_key(row): row for row in read_table(theirs, RESPONSES)}
    now = {_key(row): row for row in read_table(ours, RESPONSES)}
    both = sorted({*was, *now})
    lines = [line for key in both for line in _answer(key, was.get(key), now.get(key), margins)]
    known = all(engines)
    published, found = (engine or {} for engine in engines)
    same = published.get("id") == found.get("id") if known else None
    parts = _different(published.get("fingerprint"), found.get("fingerprint"))
    details = [] if same else [f"fingerprint {part}" for part in parts]
    return Again(same, len(both) - len(lines), len(both), [*details, *lines])


def _key(row: Row) -> tuple[str, str]:
    return row["target"], row["task_id"]


def _answer(
    key: tuple[str, str], was: Row | None, now: Row | None, margins: Margins
) -> Iterator[str]:
    """Yield one line if an answer differs in more than the engine's fingerprint."""
    task = "/".join(key)
    if was is None or now is None:
        yield f"task {task}: {'made here only' if was is None else 'not made here'}"
        return
    columns = [name for name in was if name != "fingerprint" and was[name] != now[name]]
    if not columns:
        return
    for name in ("rendered_sha256", "thinking", "response"):
        if name in columns:
            words = "" if name == "rendered_sha256" else f" ({_margin(margins.get(key), name)})"
            yield f"task {task}: {name} {_place(was[name] or '', now[name] or '')}{words}"
            return
    name = columns[0]
    yield f"task {task}: {name}: published {was[name]!r}, here {now[name]!r}"


def _place(was: str, now: str) -> str:
    place = first_character(was, now)
    shown = [repr(text[place : place + SHOWN // 2]) for text in (was, now)]
    return f"from character {place} on: published {shown[0]}, here {shown[1]}"


def _margin(told: Row | None, part: str) -> str:
    """Say which token our engine chose at the first difference, and by how much."""
    if told is None or told["part"] != part:
        return NO_MARGIN
    return (
        f"here the token {told['token']!r} was ahead of {told['other']!r} by a margin of "
        f"{told['nats']:.4g} nats"
    )


def _different(was: Any, now: Any, path: str = "") -> Iterator[str]:
    if isinstance(was, dict) and isinstance(now, dict):
        for name in sorted({*was, *now}):
            yield from _different(was.get(name), now.get(name), f"{path}.{name}".lstrip("."))
    elif canonical_json(was) != canonical_json(now):
        yield f"{path}: published {canonical_json(was)[:90]}, here {canonical_json(now)[:90]}"
