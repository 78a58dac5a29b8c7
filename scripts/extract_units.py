"""Extract the units of one target: a row a function, method, class and scanned file."""

from __future__ import annotations

import argparse
from pathlib import Path

from assay.core.program import lock_of, parser, run
from assay.core.records import UNITS
from assay.core.tables import write_table
from assay.mining.units import extract
from assay.sources.tree import read_members


def main(arguments: argparse.Namespace) -> None:
    """Write --units."""
    members = read_members(arguments.source)
    described = arguments.settings["target"]
    rows = extract(members, arguments.target, arguments.rules, described)
    write_table(arguments.units, UNITS, rows)


if __name__ == "__main__":
    flags = parser(__doc__)
    flags.add_argument("--source", type=Path, required=True, help="the target's tree as a tar")
    flags.add_argument("--target", required=True, help="name of the target")
    flags.add_argument("--rules", type=Path, required=True, help="folder of extraction rules")
    flags.add_argument("--units", type=Path, required=True, help="output: the units table")
    given = flags.parse_args()
    run(main, given, lock_of(given.units))
