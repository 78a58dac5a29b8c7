"""The mix of tasks that the config asks for: how many of each kind and stratum, and when to stop.

Units are looked at in an order of the category's own, drawn from the seed, until enough is
proven. `enough` grows with what is proven, whatever the shards: a shard that has enough by itself
has gone at least as far as all of them together need to.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from assay.core import seeds

Row = Mapping[str, Any]
Pair = tuple[Row, Row]  # a task and its key
SPARE_PERCENT = 10  # proven beyond what is asked for, so that the draw has a choice
PLENTY_PERCENT = 75  # beyond it no more is looked for, even if a stratum has still too few
DELETION_PERCENT = 10  # of a category's tasks, at most
# The setting that says how many of a kind there are, and the kind that the others are of.
PAIRS = {
    "control_percent": ("control", "bug"),
    "counterfactual_percent": ("counterfactual", "original"),
    "vulnerable_percent": ("vulnerable", "clean"),
}


def rank(seed: int, category: str, unit_id: str) -> str:
    """Return the place of a unit in a category's order (as `core.seeds.shuffled` sorts it)."""
    return seeds.digest(seed, category, unit_id)


def wanted(tasks: Mapping[str, Any], column: str, pool: Sequence[Pair]) -> dict[str, int]:
    """Return value -> tasks asked for, of the column `stratum` or `kind`."""
    count = tasks["per_category"]
    if column == "stratum":
        return shares(tasks["strata"], count)
    kinds = {key["kind"] for _, key in pool}
    for name, pair in PAIRS.items():
        if kinds & set(pair):
            return shares({pair[0]: tasks[name], pair[1]: 100 - tasks[name]}, count)
    return {}


def enough(tasks: Mapping[str, Any], pool: Sequence[Pair]) -> bool:
    """Say whether the proven tasks of a category fill the mix, with a few to spare."""
    pool = [pair for pair in pool if not deletes(pair[1]) and not steered(pair[1])]
    count = tasks["per_category"]
    files = Counter(task["path"] for task, _ in pool)
    most = tasks["per_file"] or len(pool)
    usable = sum(min(most, number) for number in files.values()) * 100
    if usable < count * (100 + SPARE_PERCENT):
        return False
    lacking = {
        column: [
            value for value, number in wanted(tasks, column, pool).items()
            if sum(key[column] == value for _, key in pool) < number
        ]
        for column in ("kind", "stratum")
    }  # fmt: skip
    plenty = usable >= count * (100 + PLENTY_PERCENT)
    return not lacking["kind"] and (plenty or not lacking["stratum"])


def shares(percents: Mapping[str, float], count: int) -> dict[str, int]:
    """Split a count by percents, by largest remainders; ties go by name."""
    total = sum(percents.values()) or 1
    exact = {name: count * percent / total for name, percent in sorted(percents.items())}
    found = {name: int(value) for name, value in exact.items()}
    order = sorted(exact, key=lambda name: (found[name] - exact[name], name))
    for name in order[: count - sum(found.values())]:
        found[name] += 1
    return found


def deletes(key: Row) -> bool:
    """Say whether a task's bug is a lost statement."""
    return bool(json.loads(key["key_json"]).get("deletes"))


def steered(key: Row) -> bool:
    """Say whether a task is the variant of another, with steering text: it is never drawn."""
    return bool(json.loads(key["key_json"]).get("steered"))


def pair_of(key: Row) -> str:
    """Return the id that a task shares with its paired variant, or an empty text."""
    return str(json.loads(key["key_json"]).get("pair", ""))
