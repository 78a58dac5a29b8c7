"""Check the names in a model's answers to one target's tasks against the pinned environment."""

from __future__ import annotations

import argparse
from pathlib import Path

from assay.core.program import lock_of, parser, run
from assay.core.records import API_INDEX, HALLUCINATIONS, KEYS, RESPONSES, TASKS
from assay.core.tables import read_table, write_table
from assay.hallucinations.answers import rows
from assay.hallucinations.api import Api


def main(arguments: argparse.Namespace) -> None:
    """Write --hallucinations."""
    tasks, keys = read_table(arguments.tasks, TASKS), read_table(arguments.keys, KEYS)
    responses = read_table(arguments.responses, RESPONSES)
    api = Api(read_table(arguments.index, API_INDEX))
    write_table(arguments.hallucinations, HALLUCINATIONS, rows(tasks, keys, responses, api))


if __name__ == "__main__":
    command = parser(__doc__)
    command.add_argument("--target", required=True, help="name of the target")
    command.add_argument("--model", required=True, help="name of the model")
    for name in ("tasks", "keys", "responses", "index"):
        command.add_argument(f"--{name}", type=Path, required=True, help=f"the table {name}")
    command.add_argument("--hallucinations", type=Path, required=True, help="output: the rows")
    given = command.parse_args()
    run(main, given, lock_of(given.hallucinations))
