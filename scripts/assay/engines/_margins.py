"""Where an answer is not the published one: how near the engine was to choosing another token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from assay.core.files import first_character
from assay.core.progress import say
from assay.core.records import RESPONSES
from assay.core.tables import read_table
from assay.engines.base import Answer, Engine, EngineDiedError, Request

FILE = "margins.json"  # beside the telemetry
PARTS = ("thinking", "response")


def margins(
    engine: Engine, published: Path, asked: Sequence[tuple[Request, Answer]]
) -> list[dict[str, Any]]:  # fmt: skip
    """Return {target, task_id, part, character, token, other, nats} of each answer that differs.

    published: a table of responses. An answer to another prompt, or without a margin, is left out;
    so is all that comes after one at which the engine is lost.
    """
    known = {(row["target"], row["task_id"]): row for row in read_table(published, RESPONSES)}
    found: list[dict[str, Any]] = []
    try:
        for request, answer in asked:
            row = known.get((request.target, request.task_id))
            if row is None or row["rendered_sha256"] != answer.rendered_sha256:
                continue
            for part, character in _first_part(row, answer):
                margin = engine.margin(request, part, character)
                place = {"part": part, "character": character}
                name = {"target": request.target, "task_id": request.task_id}
                found += [{**name, **place, **asdict(margin)}] if margin else []
    except EngineDiedError as error:
        say(f"no more margins: {error}")
    return found


def _first_part(row: dict[str, Any], answer: Answer) -> Iterator[tuple[str, int]]:
    for part in PARTS:
        was, now = row[part] or "", getattr(answer, part) or ""
        if was != now:
            yield part, first_character(was, now)
            return
