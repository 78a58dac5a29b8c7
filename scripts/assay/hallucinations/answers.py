"""Checks the code of answers: one row an invention, and one for an answer that invents nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from assay.core import registry
from assay.hallucinations.api import Api
from assay.hallucinations.check import Invention, Place, check
from assay.scoring.extraction import extract
from assay.scoring.syntax import parse
from assay.scoring.verdict import unit_name

Row = Mapping[str, Any]


def rows(
    tasks: Iterable[Row], keys: Iterable[Row], responses: Iterable[Row], api: Api
) -> Iterator[dict[str, Any]]:
    """Yield the rows of `hallucinations` for one model's answers to one target's tasks.

    Answers without code, unreadable ones and void ones have no row: they are not checked.
    """
    task_of = {(row["target"], row["task_id"]): row for row in tasks}
    key_of = {(row["target"], row["task_id"]): row for row in keys}
    for response in responses:
        identity = (response["target"], response["task_id"])
        if identity not in task_of or response["void"] is not None:
            continue
        found = inventions(response["response"] or "", task_of[identity], key_of[identity], api)
        if found is None:
            continue
        shared = {name: response[name] for name in ("model", "target", "task_id", "category")}
        nothing = [(0, Invention(0, "", "", ""))]
        for number, one in list(enumerate(found, 1)) or nothing:
            place = {"kind": one.kind, "name": one.name, "line": one.line, "nearest": one.nearest}
            yield {**shared, "number": number, **place}


def inventions(answer: str, task: Row, key: Row, api: Api) -> list[Invention] | None:
    """Return the inventions of an answer, by lines of the answer; None if it has no code."""
    found: list[Invention] = []
    checked = False
    for text, place in pieces(answer, task, key, api):
        tree = parse(text)
        if tree is not None:
            checked = True
            found += [_placed(one, text, answer) for one in check(tree, api, place)]
    return sorted(set(found)) if checked else None


def pieces(answer: str, task: Row, key: Row, api: Api) -> Iterator[tuple[str, Place]]:
    """Yield the code of an answer, unit by unit with what it needs, and where each stands."""
    form = registry.load("categories", task["category"]).FORMAT
    further = json.loads(key["key_json"]).get("further_names", ())
    taken = extract(answer, form, unit_name(key["unit_id"]), *further)
    if taken.problem is not None:
        return
    module = api.module_of(task["path"])
    package = PurePosixPath(task["path"]).name == "__init__.py"
    scope = key["unit_id"].rpartition("::")[2].partition("#")[0].rpartition(".")[0]
    own = scope if f"{module}:{scope}" in api.heads else ""
    # Further units may stand in other files: nothing is taken for granted about their place.
    pairs = [(taken, Place(module, package, own))]
    pairs += [(each, Place()) for _, each in sorted(taken.beside.items())]
    for part, place in pairs:
        if part.code:
            yield "\n".join((*part.imports, *part.helpers, part.code)), place


def _placed(one: Invention, text: str, answer: str) -> Invention:
    """Return an invention with the line that its text first has in the answer."""
    shown = text.split("\n")[one.line - 1].strip() if one.line else ""
    lines = [number for number, line in enumerate(answer.split("\n"), 1) if line.strip() == shown]
    return Invention(lines[0] if shown and lines else 0, one.kind, one.name, one.nearest)
