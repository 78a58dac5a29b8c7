"""Score the answers of one model to the tasks of one target, in the sandbox."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from assay.categories.base import Options
from assay.core.execution import Limits
from assay.core.files import write_json
from assay.core.program import lock_of, parser, run
from assay.core.records import KEYS, RESPONSES, TASKS, VERDICTS
from assay.core.tables import read_table, write_table
from assay.sandbox import level
from assay.scoring.score import paired, score
from assay.scoring.telemetry import measured
from assay.sources.tree import unpack
from assay.testbed.bench import open_bench


def main(arguments: argparse.Namespace) -> None:
    """Write one verdict for each task, and what was measured on the way."""
    settings = arguments.settings
    layers = settings["sandbox"]["layers"]
    reached = level.require(layers)
    limits = Limits(**settings["limits"])
    items = paired(
        read_table(arguments.tasks, TASKS), read_table(arguments.keys, KEYS),
        read_table(arguments.responses, RESPONSES), arguments.target, arguments.model,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        unpack(arguments.source, tree)
        benches = [
            open_bench(tree, settings["target"], Path("/"), limits, layers=layers)
            for _ in range(settings.get("cores", 1))
        ]
        scored = score(items, benches, Options(limits=limits), layers)
    write_table(arguments.verdicts, VERDICTS, [one.row for one in scored])
    write_json(arguments.telemetry, measured(scored, reached))


if __name__ == "__main__":
    command = parser(__doc__)
    command.add_argument("--target", required=True)
    command.add_argument("--model", required=True)
    for name in ("source", "tasks", "keys", "responses", "verdicts", "telemetry"):
        command.add_argument(f"--{name}", type=Path, required=True)
    given = command.parse_args()
    run(main, given, lock_of(given.verdicts))
