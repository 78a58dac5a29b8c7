"""Inspect the pinned environment of a target in the sandbox, and hand on its Python files."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from assay.core.execution import Limits
from assay.core.files import write_json
from assay.core.program import lock_of, parser, run
from assay.core.records import UNITS
from assay.core.tables import read_table
from assay.sandbox import level
from assay.sources import tree as trees
from assay.testbed.introspection import inspect_environment, python_files


def main(arguments: argparse.Namespace) -> None:
    """Write --inspected and --environment."""
    settings, root = arguments.settings, Path("/")
    level.require(settings["sandbox"]["layers"])
    units = read_table(arguments.units, UNITS)
    modules = {row["module"] for row in units if row["kind"] == "file" and row["module"]}
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        trees.unpack(arguments.source, tree)
        limits = Limits(**settings["limits"])
        found = inspect_environment(tree, settings["target"], modules, root, limits)
    write_json(arguments.inspected, found)
    trees.write(arguments.environment, python_files(root))


if __name__ == "__main__":
    command = parser(__doc__)
    command.add_argument("--target", required=True, help="name of the target")
    command.add_argument("--source", type=Path, required=True, help="the target's tree as a tar")
    command.add_argument("--units", type=Path, required=True, help="the units table")
    command.add_argument("--inspected", type=Path, required=True, help="output: what was seen")
    command.add_argument("--environment", type=Path, required=True, help="output: Python files")
    given = command.parse_args()
    run(main, given, lock_of(given.inspected))
