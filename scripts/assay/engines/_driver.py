"""The program inside the view: it talks to the engine, and sees tasks, weights and its outputs.

Reads one JSON object (an Order's fields) from standard input. Nothing else of the run is there.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from assay.core import registry
from assay.core.errors import AssayError
from assay.core.files import sha256_text, write_json, write_text
from assay.core.progress import say
from assay.core.records import TASKS
from assay.core.tables import read_table
from assay.engines._answers import Stream, answer_all, requests_of
from assay.engines._cache import FILE as ANSWERS
from assay.engines._cache import answers_as_lines, cache_key, take_known
from assay.engines._journal import journal_path, open_journal, remove_journals
from assay.engines._margins import FILE, margins
from assay.engines._outputs import Outputs, fingerprint_id, write_outputs
from assay.engines._probe import probe
from assay.engines.base import Answer, Request


@dataclass(frozen=True)
class Order:
    """What the driver is told; paths are those of the view.

    against:  published answers to compare with
    known:    the response cache's folder of these weights, if it is to be used
    measured: facts of this run that were found out before the view was made
    """

    engine: str
    settings: Mapping[str, Any]
    tasks: tuple[str, ...]
    weights: str | None  # None, as its digest, for an engine that needs none
    weights_sha256: str | None
    responses: str
    telemetry: str
    fingerprint: str
    against: str | None = None
    known: str | None = None
    measured: Mapping[str, Any] = field(default_factory=dict)

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
        probed = probe(stream) if getattr(plugin, "PROBED", True) else None
        asked = _ask(order, stream, requests, fingerprint_id(fingerprint), probed)
        measured = {
            **engine.measured, **order.measured, "events": stream.events, "probe": probed,
            "stream": asdict(stream.spent),
        }  # fmt: skip
        if order.against:
            near = {"margins": margins(engine, Path(order.against), asked)}
            write_json(outputs.fingerprint.with_name(FILE), near)
    write_outputs(outputs, order.settings["model"], asked, fingerprint, measured)
    remove_journals(outputs.responses)


def _ask(
    order: Order, stream: Stream, requests: Sequence[Request], identity: str,
    probed: Mapping[str, Any] | None,
) -> list[tuple[Request, Answer]]:  # fmt: skip
    """Return all answers, from journal, response cache or engine; leave those that can be kept."""
    label, key = order.settings["model"], cache_key(identity, order.engine)
    # Answers that were given before and after a probe with another result do not mix either.
    steady = probed is None or probed["deterministic"]
    name = identity if steady else sha256_text(f"{identity} does not repeat itself")
    with open_journal(journal_path(order.outputs.responses, name)) as journal:
        # An engine that does not repeat itself would not give the answer that is kept.
        if order.known and probed and steady:
            take_known(Path(order.known), key, requests, journal, label)
        answers = answer_all(stream, requests, journal, label)
    asked = list(zip(requests, answers, strict=True))
    lines = answers_as_lines(key, asked if probed and steady else ())
    write_text(order.outputs.telemetry.with_name(ANSWERS), lines)
    return asked


if __name__ == "__main__":
    main()
