"""Engines whose answers were made elsewhere: read from files, in this process, without a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from assay.core import registry
from assay.core.errors import HarnessError
from assay.core.files import write_json, write_text
from assay.core.records import TASKS
from assay.core.tables import read_table
from assay.engines._answers import requests_of
from assay.engines._outputs import Outputs, write_outputs
from assay.engines.base import Given, Request, brought_in


def take_recorded(
    plugin: ModuleType, settings: Mapping[str, Any], tasks: Iterable[Path], given: Given,
    outputs: Outputs,
) -> None:  # fmt: skip
    """Take the answers of all tasks from what was recorded; write what a model's run leaves too.

    tasks: tables
    Raises UserError if there is no record yet, or if it is not one of these requests.
    """
    requests = _requests(tasks)
    found = plugin.read_answers(requests, settings, given)
    if len(found.answers) != len(requests):
        raise HarnessError(f"{len(found.answers)} answers to {len(requests)} requests")
    asked = list(zip(requests, found.answers, strict=True))
    fingerprint = {"engine": plugin.__name__.rpartition(".")[2], **found.fingerprint}
    write_outputs(outputs, settings["model"], asked, fingerprint, found.measured)


def write_outgoing(
    settings: Mapping[str, Any], model: str, tasks: Iterable[Path], to: tuple[Path, Path]
) -> None:
    """Write what a person carries out of the closed network for a model, and its index.

    settings: {"model": the model file's content, "seed": the run's seed}
    to: the files of the requests and of the index
    Raises HarnessError for an engine that asks nobody outside.
    """
    described = settings["model"]
    plugin = registry.load("engines", described["engine"])
    if not brought_in(plugin):
        raise HarnessError(f"{model}: the engine {described['engine']} asks nobody outside")
    handed = {
        "model": model, "parameters": described.get("parameters", {}), "seed": settings["seed"],
    }  # fmt: skip
    made = plugin.write_requests(_requests(tasks), handed)
    write_json(to[1], made.index)
    write_text(to[0], made.lines)


def _requests(tasks: Iterable[Path]) -> list[Request]:
    return requests_of(row for path in tasks for row in read_table(path, TASKS))
