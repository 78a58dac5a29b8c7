"""The one path from an answer to what it is worth: gates and scorer both go through here."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from assay.categories.base import (
    NOT_RUN,
    UNREADABLE,
    VOID,
    Extraction,
    Judgement,
    Options,
)
from assay.core.errors import HarnessError
from assay.core.execution import HARNESS_ERROR, Bench
from assay.scoring.extraction import extract

ATTEMPTS = 2


def judge_answer(
    answer: str, category: ModuleType, key_row: Mapping[str, Any], bench: Bench, options: Options
) -> tuple[Judgement, Extraction]:
    """Read an answer and judge it.

    category: the category's module (`FORMAT`, `judge`)
    key_row:  a row of the keys table; `further_names` in its key are the names of further units
              that the answer is to give
    An answer that can't be read is `unreadable`. A failure of the harness is tried once more, and
    is then `void`: never wrong, never right.
    """
    key = category_key(key_row)
    names = [unit_name(key_row["unit_id"]), *key.get("further_names", ())]
    extraction = extract(answer, category.FORMAT, *names)
    if extraction.problem is not None:
        return Judgement(UNREADABLE, NOT_RUN, extraction.problem), extraction
    judgement = Judgement(VOID, HARNESS_ERROR, "not judged")
    for _ in range(ATTEMPTS):
        judgement = _attempt(category, extraction, key, bench, options)
        if judgement.outcome != HARNESS_ERROR:
            return judgement, extraction
    return Judgement(VOID, HARNESS_ERROR, judgement.reason), extraction


def category_key(key_row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the key that a category's `judge` gets: its own, and the row's facts about it."""
    return dict(_decoded(key_row["key_json"])) | {
        "kind": key_row["kind"],
        "is_control": key_row["is_control"],
        "accepted_lines": tuple(key_row["accepted_lines"]),
    }


@functools.lru_cache(maxsize=16)
def _decoded(key_json: str) -> Mapping[str, Any]:
    """Decode a key; many answers are judged by one, and none of them changes it."""
    decoded: dict[str, Any] = json.loads(key_json)
    return decoded


def unit_name(unit_id: str) -> str:
    """Return a unit's own name: "a.py::Class.method#2" is called "method"."""
    qualname = unit_id.rpartition("::")[2].partition("#")[0]
    return qualname.rpartition(".")[2]


def _attempt(
    category: ModuleType, extraction: Extraction, key: dict[str, Any], bench: Bench,
    options: Options,
) -> Judgement:  # fmt: skip
    try:
        judgement: Judgement = category.judge(extraction, key, bench, options)
    except HarnessError as error:
        return Judgement(VOID, HARNESS_ERROR, f"harness: {error}")
    return judgement
