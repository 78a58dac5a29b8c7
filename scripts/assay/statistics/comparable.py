"""Whether two models can be compared: the same tasks, the same prompts, the same limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

Row = Mapping[str, Any]
Key = tuple[str, str]
SAME = {"prompt_sha256": "another prompt", "max_tokens": "another limit of the answer"}


def incomparable(responses: Iterable[Row]) -> list[dict[str, Any]]:
    """Return {"models": [two names], "why"} of each pair of models that must not be compared."""
    by_model: dict[str, list[Row]] = {}
    for row in responses:
        by_model.setdefault(row["model"], []).append(row)
    pairs = combinations(sorted(by_model), 2)
    found = [(pair, refusal(*(by_model[name] for name in pair))) for pair in pairs]
    return [{"models": list(pair), "why": why} for pair, why in found if why]


def refusal(first: Sequence[Row], second: Sequence[Row]) -> str | None:
    """Say why the answers of two models can't be compared; None if they can.

    first, second: rows of the table `responses`, each of one model
    A rate over other tasks, prompts or limits is another quantity. The prompt is the task's own;
    how a model's chat template wraps it is a part of the model (see `same_rendered`).
    """
    one, other = _by_task(first), _by_task(second)
    apart = sorted(one.keys() ^ other.keys())
    if apart:
        return f"{len(apart)} tasks were asked of one of them only, such as {_name(apart[0])}"
    for column, words in SAME.items():
        unlike = [key for key in sorted(one) if one[key][column] != other[key][column]]
        if unlike:
            return f"{len(unlike)} tasks were asked with {words}, such as {_name(unlike[0])}"
    return None


def same_rendered(first: Sequence[Row], second: Sequence[Row]) -> tuple[int, int]:
    """Return (equal, shared): how many shared tasks reached both models as the same text.

    All do where one model is run by two engines; a void answer that was never rendered does not
    count.
    """
    one, other = _by_task(first), _by_task(second)
    shared = [key for key in one if key in other]
    pairs = [(one[key]["rendered_sha256"], other[key]["rendered_sha256"]) for key in shared]
    known = [pair for pair in pairs if all(pair)]
    return sum(left == right for left, right in known), len(known)


def _by_task(rows: Sequence[Row]) -> dict[Key, Row]:
    return {(row["target"], row["task_id"]): row for row in rows}


def _name(key: Key) -> str:
    return "/".join(key)
