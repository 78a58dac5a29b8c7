"""Record what a target does: its steady tests, what they execute, and scenarios at entry points."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from assay.core.program import lock_of, parser, run
from assay.core.progress import say
from assay.core.records import BEHAVIOUR, SCENARIOS, UNITS
from assay.core.tables import read_table, write_table
from assay.sources.tree import unpack
from assay.testbed.behaviour import record_behaviour


def main(arguments: argparse.Namespace) -> None:
    """Write --behaviour and --scenarios."""
    units = read_table(arguments.units, UNITS)
    workers = max(1, len(os.sched_getaffinity(0)))  # of no effect on the results
    settings = {"workers": workers, **arguments.settings}
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        unpack(arguments.source, tree)
        made = record_behaviour(tree, units, arguments.target, settings)
    for name, count in made.counts.items():
        say(f"{arguments.target}: {count} {name}")
    write_table(arguments.behaviour, BEHAVIOUR, made.tests)
    write_table(arguments.scenarios, SCENARIOS, made.scenarios)


if __name__ == "__main__":
    command = parser(__doc__)
    command.add_argument("--target", required=True, help="name of the target")
    command.add_argument("--source", type=Path, required=True, help="the target's tree as a tar")
    command.add_argument("--units", type=Path, required=True, help="the units table")
    command.add_argument("--behaviour", type=Path, required=True, help="output: a row a test")
    command.add_argument("--scenarios", type=Path, required=True, help="output: a row a scenario")
    given = command.parse_args()
    run(main, given, lock_of(given.scenarios))
