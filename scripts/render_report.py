"""Render the report: one self-contained page, and a short table for the terminal."""

from __future__ import annotations

import argparse
from pathlib import Path

from assay.core.files import read_json, write_text
from assay.core.program import lock_of, parser, run
from assay.core.records import KEYS, REJECTED, RESPONSES, TASKS, TELEMETRY, VERDICTS
from assay.reporting.inputs import Inputs, read_records, read_rows
from assay.reporting.page import page
from assay.reporting.table import table

TABLES = (TASKS, KEYS, REJECTED, RESPONSES, VERDICTS, TELEMETRY)


def main(arguments: argparse.Namespace) -> None:
    """Read everything, write the page and the table."""
    inputs = Inputs(
        run=arguments.settings["run"],
        asked=arguments.settings["tasks"],
        summary=read_json(arguments.summary),
        rows={kind.name: read_rows(getattr(arguments, kind.name), kind) for kind in TABLES},
        fingerprints=read_records(arguments.fingerprints),
        memory=read_records(arguments.memory),
        prices=arguments.settings.get("prices", {}),
    )
    named = [("summary for scripts", arguments.summary)]
    for kind in TABLES:
        named += [(kind.name, path) for path in getattr(arguments, kind.name)]
    named += [("fingerprint", path) for path in arguments.fingerprints]
    named += [("memory", path) for path in arguments.memory]
    write_text(arguments.report, page(inputs, named))
    write_text(arguments.table, table(inputs, arguments.report))


if __name__ == "__main__":
    command = parser(__doc__)
    for kind in TABLES:
        command.add_argument(f"--{kind.name}", type=Path, nargs="+", required=True)
    command.add_argument("--fingerprints", type=Path, nargs="*", default=[])
    command.add_argument("--memory", type=Path, nargs="*", default=[])
    for name in ("summary", "report", "table"):
        command.add_argument(f"--{name}", type=Path, required=True)
    given = command.parse_args()
    run(main, given, lock_of(given.report))
