"""Fetch one target's pinned source and write its canonical tree and the record about it."""

from __future__ import annotations

import argparse
from pathlib import Path

from assay.core.program import lock_of, parser, run
from assay.core.progress import say
from assay.sources.fetch import fetch


def main(arguments: argparse.Namespace) -> None:
    """Write --source and --record."""
    fetch(arguments.settings["target"], arguments.cache, arguments.source, arguments.record)
    say(f"{arguments.target}: the source is in {arguments.source}")


if __name__ == "__main__":
    flags = parser(__doc__, contained=False)
    flags.add_argument("--target", required=True, help="name of the target")
    flags.add_argument("--cache", type=Path, required=True, help="the cache, kept between runs")
    flags.add_argument("--source", type=Path, required=True, help="output: the tree as a tar")
    flags.add_argument("--record", type=Path, required=True, help="output: what is known of it")
    given = flags.parse_args()
    run(main, given, lock_of(given.source))
