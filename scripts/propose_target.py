"""Propose a target: fetch a source, look at it, write its config and requirements, say the rest."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from assay.core.errors import AssayError, UserError
from assay.core.files import write_text
from assay.images.store import cache_root
from assay.sources.proposal import propose, source_of


def main(given: argparse.Namespace) -> int:
    """Write the files that are not there yet; return the exit code."""
    try:
        source = source_of(given.archive, given.url, given.commit)
        last = given.archive.partition("==")[0] or given.url.rstrip("/").removesuffix(".git")
        name = given.name or re.sub(r"[^a-z0-9.-]+", "-", last.rpartition("/")[2].lower())
        made = propose(name, source, cache_root())
        there = [path for path in made.files if (given.repository / path).exists()]
        if there:
            raise UserError("the target is there already", given=", ".join(there),
                            hint="remove its files, or give another name: NAME=…")  # fmt: skip
        for path, text in made.files.items():
            write_text(given.repository / path, text)
            print(f"written: {path}")
    except AssayError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print("left to do:", *(f"  {item}" for item in made.left), sep="\n")
    return 0


if __name__ == "__main__":
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--archive", default="", help="name==version on the package index")
    command.add_argument("--url", default="", help="URL of a git repository")
    command.add_argument("--commit", default="", help="full commit id, with --url")
    command.add_argument("--name", default="", help="name of the target, else that of the source")
    command.add_argument("--repository", type=Path, default=Path.cwd())
    sys.exit(main(command.parse_args()))
