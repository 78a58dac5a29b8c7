"""Make and prove the tasks of one target, of one shard of its units, in the sandbox."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from assay.core.execution import Limits
from assay.core.program import lock_of, parser, run
from assay.core.records import BEHAVIOUR, KEYS, REJECTED, SCENARIOS, TASKS, UNITS
from assay.core.tables import read_table, write_table
from assay.sandbox import level
from assay.sources.tree import unpack
from assay.synthesis.pipeline import Shard, Tables, synthesise
from assay.testbed.bench import open_bench


def main(arguments: argparse.Namespace) -> None:
    """Write the shard's proven tasks, their keys, and what was dropped."""
    settings = arguments.settings
    layers = settings["sandbox"]["layers"]
    level.require(layers)
    prompts = {
        path.stem: path.read_text("utf-8") for path in sorted(arguments.prompts.glob("*.md"))
    }
    tables = Tables(
        arguments.target, read_table(arguments.units, UNITS),
        read_table(arguments.behaviour, BEHAVIOUR), read_table(arguments.scenarios, SCENARIOS),
    )  # fmt: skip
    shard = Shard(arguments.shard, arguments.shards)
    workers = max(1, len(os.sched_getaffinity(0)) // arguments.shards)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        unpack(arguments.source, tree)
        limits = Limits(**settings["limits"])
        bench = open_bench(tree, settings["target"], Path("/"), limits, layers=layers)
        bench.keeps = True  # all that runs here is of our own making
        made = synthesise(tables, bench, {**settings, "prompts": prompts}, shard, workers=workers)
    write_table(arguments.tasks, TASKS, made.tasks)
    write_table(arguments.keys, KEYS, made.keys)
    write_table(arguments.rejected, REJECTED, made.rejected)


if __name__ == "__main__":
    command = parser(__doc__)
    command.add_argument("--target", required=True)
    command.add_argument("--shard", type=int, required=True, help="counted from 0")
    command.add_argument("--shards", type=int, required=True)
    for name in ("source", "units", "behaviour", "scenarios", "prompts"):
        command.add_argument(f"--{name}", type=Path, required=True)
    for name in ("tasks", "keys", "rejected"):
        command.add_argument(f"--{name}", type=Path, required=True, help="output")
    given = command.parse_args()
    run(main, given, lock_of(given.tasks))
