"""Reference solvers: they answer from the task or its key, in this process, without a model."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from assay.core.tables import Row
from assay.engines._answers import requests_of
from assay.engines._outputs import Outputs, write_outputs
from assay.engines.base import Answer


def solve_all(
    plugin: ModuleType, settings: Mapping[str, Any], tasks: Iterable[Row], keys: Iterable[Row],
    outputs: Outputs,
) -> None:  # fmt: skip
    """Answer all tasks by the solver and write the outputs that a model's run leaves too."""
    rows = {(row["target"], row["task_id"]): row for row in tasks}
    known = {(row["target"], row["task_id"]): row for row in keys}
    asked = []
    for request in requests_of(rows.values()):
        identity = (request.target, request.task_id)
        began = time.monotonic_ns()
        text = plugin.solve(rows[identity], known.get(identity), settings)
        spent = (time.monotonic_ns() - began) // 1000
        asked.append((request, Answer(text, request.prompt_sha256, latency_us=spent)))
    fingerprint = {
        "engine": plugin.__name__.rpartition(".")[2], "parameters": settings["parameters"],
        "seed": settings["seed"],
    }  # fmt: skip
    write_outputs(outputs, settings["model"], asked, fingerprint, {})
