"""Count the verdicts: summary.json for scripts, one SQLite file with all tables for people."""

from __future__ import annotations

import argparse
from pathlib import Path

from assay.core.files import write_json
from assay.core.program import lock_of, parser, run
from assay.core.records import HALLUCINATIONS, KEYS, REJECTED, RESPONSES, TASKS, VERDICTS
from assay.core.tables import read_table
from assay.reporting.database import write_database
from assay.statistics.summary import summary

TABLES = (TASKS, KEYS, REJECTED, RESPONSES, VERDICTS, HALLUCINATIONS)


def main(arguments: argparse.Namespace) -> None:
    """Read all tables of the run, write the summary and the database."""
    rows = {
        table.name: [
            row for path in getattr(arguments, table.name) for row in read_table(path, table)
        ]
        for table in TABLES
    }
    write_json(arguments.summary, summary(arguments.settings["run"], rows))
    write_database(arguments.database, [(table, rows[table.name]) for table in TABLES])


if __name__ == "__main__":
    command = parser(__doc__)
    for table in TABLES:
        command.add_argument(f"--{table.name}", type=Path, nargs="+", required=True)
    command.add_argument("--summary", type=Path, required=True)
    command.add_argument("--database", type=Path, required=True)
    given = command.parse_args()
    run(main, given, lock_of(given.summary))
