"""Judges the keys' own answers again and again: a verdict that changes would be no verdict."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from assay.categories.base import PASSED, Options
from assay.core import registry, seeds
from assay.core.execution import Bench, Limits
from assay.core.progress import track
from assay.core.turns import TurnBench
from assay.scoring.verdict import judge_answer

Row = Mapping[str, Any]
NOTHING = "I am not able to help with that."


def revalidate(
    keys: Sequence[Row], bench: Bench, repeats: int, limits: Limits, workers: int
) -> dict[str, Any]:
    """Judge each key's right answer and an empty one `repeats` times, in fresh processes.

    Tests are shuffled anew and the hash seed differs each time; `workers` answers are judged at
    once, so that more workers than processors mean a loaded machine.
    Returns {"tasks", "runs", "repeats", "changed": [[task, what, status, count], …]}: empty
    if all holds.
    """
    turns = threading.Lock()
    shared = TurnBench(bench, turns)
    work = [
        (row, turn, right) for turn in range(repeats) for row in keys for right in (True, False)
    ]

    def judge(item: tuple[Row, int, bool]) -> tuple[str, bool, str]:
        row, turn, right = item
        options = Options(
            seeds.seed("again", row["task_id"], turn) % 2**31, turn, limits, warm=False
        )
        category = registry.load("categories", row["category"])
        answer = row["reference_answer"] if right else NOTHING
        with turns:
            verdict, _ = judge_answer(answer, category, row, shared, options)
        return str(row["task_id"]), right, verdict.status

    found: Counter[tuple[str, bool, str]] = Counter()
    with ThreadPoolExecutor(workers) as pool:
        for result in track(pool.map(judge, work), f"revalidating {len(keys)} tasks"):
            found[result] += 1
    changed = [
        [name, "right answer" if right else "empty answer", status, count]
        for (name, right, status), count in sorted(found.items())
        if right != (status == PASSED)
    ]
    return {"tasks": len(keys), "runs": len(work), "repeats": repeats, "changed": changed}
