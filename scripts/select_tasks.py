"""Draw the final tasks of one target from all that were proven."""

from __future__ import annotations

import argparse
from pathlib import Path

from assay.core.program import lock_of, parser, run
from assay.core.records import KEYS, REJECTED, TASKS
from assay.core.tables import read_table, write_table
from assay.synthesis.rows import Output
from assay.synthesis.selection import select


def main(arguments: argparse.Namespace) -> None:
    """Write the tasks that were drawn, their keys, and all that was dropped on the way."""
    shards = [
        Output(read_table(tasks, TASKS), read_table(keys, KEYS), read_table(rejected, REJECTED))
        for tasks, keys, rejected in zip(
            arguments.tasks, arguments.keys, arguments.rejected, strict=True
        )
    ]
    made = select(shards, arguments.settings, arguments.target)
    write_table(arguments.out_tasks, TASKS, made.tasks)
    write_table(arguments.out_keys, KEYS, made.keys)
    write_table(arguments.out_rejected, REJECTED, made.rejected)


if __name__ == "__main__":
    command = parser(__doc__)
    command.add_argument("--target", required=True)
    for name in ("tasks", "keys", "rejected"):
        command.add_argument(f"--{name}", type=Path, nargs="+", required=True)
        command.add_argument(f"--out-{name}", type=Path, required=True)
    given = command.parse_args()
    run(main, given, lock_of(given.out_tasks))
