"""Prove the tasks of one target again, many times, shuffled and under load."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from assay.core.errors import HarnessError
from assay.core.execution import Limits
from assay.core.files import write_json
from assay.core.program import lock_of, parser, run
from assay.core.records import KEYS
from assay.core.tables import read_table
from assay.sandbox import level
from assay.scoring.revalidate import revalidate
from assay.sources.tree import unpack
from assay.testbed.bench import open_bench


def main(arguments: argparse.Namespace) -> None:
    """Write what was run; fail if any verdict is another than the first proof's."""
    settings = arguments.settings
    layers = settings["sandbox"]["layers"]
    level.require(layers)
    limits = Limits(**settings["limits"])
    workers = 2 * len(os.sched_getaffinity(0))  # more than there are: under load
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        unpack(arguments.source, tree)
        bench = open_bench(tree, settings["target"], Path("/"), limits, layers=layers)
        keys = read_table(arguments.keys, KEYS)
        told = revalidate(keys, bench, arguments.repeats, limits, workers)
    if told["changed"]:
        raise HarnessError(f"{len(told['changed'])} verdicts changed: {told['changed'][:5]}")
    write_json(arguments.verdicts, told)


if __name__ == "__main__":
    command = parser(__doc__)
    command.add_argument("--target", required=True)
    command.add_argument("--repeats", type=int, required=True)
    for name in ("source", "keys", "verdicts"):
        command.add_argument(f"--{name}", type=Path, required=True)
    given = command.parse_args()
    run(main, given, lock_of(given.verdicts))
