"""Index what the pinned environment of a target offers: modules, classes, members, keywords."""

from __future__ import annotations

import argparse
from pathlib import Path

from assay.core.files import read_json
from assay.core.program import lock_of, parser, run
from assay.core.records import API_INDEX
from assay.core.tables import write_table
from assay.hallucinations.index import build, files_of


def main(arguments: argparse.Namespace) -> None:
    """Write --index."""
    roots = arguments.settings["target"].get("source_roots") or ["."]
    files = files_of(arguments.environment, arguments.source, roots)
    write_table(
        arguments.index, API_INDEX, build(arguments.target, read_json(arguments.inspected), files)
    )


if __name__ == "__main__":
    command = parser(__doc__)
    command.add_argument("--target", required=True, help="name of the target")
    command.add_argument("--source", type=Path, required=True, help="the target's tree as a tar")
    command.add_argument("--inspected", type=Path, required=True, help="what inspect_api saw")
    command.add_argument("--environment", type=Path, required=True, help="Python files, as a tar")
    command.add_argument("--index", type=Path, required=True, help="output: the API index")
    given = command.parse_args()
    run(main, given, lock_of(given.index))
