"""Answers with the reference answer of the key: right always, or for a seeded share of the tasks.

At `accuracy` below 1 the other tasks get an empty answer. The draw depends on the run's seed, the
target and the task alone, so the tasks that `oracle@0.3` solves are among those of `oracle@0.6`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.core.errors import HarnessError
from assay.core.seeds import fraction
from assay.engines.base import Settings

PARAMETERS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "accuracy": {
            "type": "number", "minimum": 0, "maximum": 1, "default": 1,
            "description": "share of the tasks that are answered rightly",
        },
    },
}  # fmt: skip
EXAMPLES: tuple[dict[str, Any], ...] = ({}, {"accuracy": 0.6})
NEEDS_KEYS = True
REFERENCE = True
REMOTE = False


def solve(task: Mapping[str, Any], key: Mapping[str, Any] | None, settings: Settings) -> str:
    """Return the key's reference answer, or an empty one where the draw says so."""
    if key is None:
        raise HarnessError(f"the oracle got no key for {task['target']} {task['task_id']}")
    drawn = fraction(settings["seed"], "oracle", task["target"], task["task_id"])
    right = drawn < settings["parameters"].get("accuracy", 1)
    return str(key["reference_answer"]) if right else ""
