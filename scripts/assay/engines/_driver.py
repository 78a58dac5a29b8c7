"""The program inside the view: it talks to the engine, and sees tasks, weights and its outputs.

Reads one JSON object (an Order's fields) from standard input. Nothing else of the run is there.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.core import registry
from assay.core.errors import AssayError
from assay.core.files import write_json
from assay.core.progress import say
from assay.core.records import TASKS
from assay.core.tables import read_table
from assay.engines._answers import Stream, answer_all, requests_of
from assay.engines._journal import journal_path, open_journal, remove_journals
from assay.engines._margins import FILE, margins
from assay.engines._outputs import Outputs, fingerprint_id, write_outputs


@dataclass(frozen=True)
class Order:
    """What the driver is told; paths are those of the view."""

    engine: str
    settings: Mapping[str, Any]
    tasks: tuple[str, ...]
    weights: str | None  # None, as its digest, for an engine that needs none
    weights_sha256: str | None
    responses: str
    telemetry: str
    fingerprint: str
    against: str | None = None  # published answers to compare with

    @property
    def outputs(self) -> Outputs:
        """Return the output files."""
        return Outputs(Path(self.responses), Path(self.telemetry), Path(self.fingerprint))


def main() -> None:
    """Carry out the order on standard input; exit as every program of the project does."""
    os.umask(0o022)
    try:
        drive(Order(**json.load(sys.stdin)))
    except AssayError as error:
        say(str(error))
        sys.exit(error.exit_code)


def drive(order: Order) -> None:
    """Answer all tasks with the engine and write the outputs; remove the journal at the end."""
    requests = requests_of(row for path in order.tasks for row in read_table(Path(path), TASKS))
    weights = Path(order.weights) if order.weights else None
    plugin, outputs = registry.load("engines", order.engine), order.outputs
    outputs.log.parent.mkdir(parents=True, exist_ok=True)
    with (
        outputs.log.open("ab") as log,
        plugin.open_engine(order.settings, weights, log) as engine,
    ):
        fingerprint = {
            "engine": order.engine, "weights_sha256": order.weights_sha256, **engine.fingerprint,
        }  # fmt: skip
        stream = Stream(engine)
        with open_journal(journal_path(outputs.responses, fingerprint_id(fingerprint))) as journal:
            answers = answer_all(stream, requests, journal, order.settings["model"])
        measured = {**engine.measured, "events": stream.events}
        asked = list(zip(requests, answers, strict=True))
        if order.against:
            near = {"margins": margins(engine, Path(order.against), asked)}
            write_json(outputs.fingerprint.with_name(FILE), near)
    write_outputs(outputs, order.settings["model"], asked, fingerprint, measured)
    remove_journals(outputs.responses)


if __name__ == "__main__":
    main()
