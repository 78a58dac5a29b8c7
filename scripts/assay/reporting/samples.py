"""A few answers of each model, with what was made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.core.seeds import shuffled
from assay.reporting.inputs import Inputs
from assay.reporting.safe import one_line, shown

PER_CATEGORY = 2
PROMPT_CHARS, ANSWER_CHARS, REASON_CHARS = 6000, 3000, 300

Row = Mapping[str, Any]


def samples(inputs: Inputs, model: str) -> list[dict[str, str]]:
    """Return a drawn few of a model's answers, made harmless, sorted by category and task."""
    tasks = {(row["target"], row["task_id"]): row for row in inputs.rows["tasks"]}
    answers = {(row["target"], row["task_id"]): row for row in inputs.of_model("responses", model)}
    verdicts = inputs.of_model("verdicts", model)
    chosen = []
    for category in sorted({row["category"] for row in verdicts}):
        known = [row for row in verdicts if row["category"] == category]
        drawn = shuffled(known, "samples", category, key=lambda row: row["task_id"])
        chosen += drawn[:PER_CATEGORY]
    identity = [(row["target"], row["task_id"]) for row in chosen]
    return [
        _sample(row, tasks[key], answers[key]) for row, key in zip(chosen, identity, strict=True)
    ]


def _sample(verdict: Row, task: Row, answer: Row) -> dict[str, str]:
    facts = {
        name: one_line(verdict[name], REASON_CHARS)
        for name in ("task_id", "category", "stratum", "status", "reason", "extraction", "outcome")
    }
    return {
        **facts,
        "unit": one_line(f"{task['path']}::{task['qualname']}", REASON_CHARS),
        "prompt": shown(task["prompt"], PROMPT_CHARS),
        "answer": shown(answer["response"], ANSWER_CHARS) or "(empty)",
    }
