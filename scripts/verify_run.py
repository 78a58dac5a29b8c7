"""Check a published run by making it again: one line a step, exit 1 on any difference."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from assay.core.errors import AssayError
from assay.provenance.depth import Place, exit_code, verify_at
from assay.provenance.depths import RESCORE, TAKEN
from assay.provenance.judge import BAD, GOOD, SKIPPED, printed

SHOWN = 40  # differences of a step


def main(arguments: argparse.Namespace) -> int:
    """Print a verdict on each step; return the exit code."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="assay-verify-", dir=arguments.work))
    place = Place(Path(__file__).resolve().parents[1], folder, arguments.cores)
    try:
        found = verify_at(arguments.against, arguments.depth, place)
    except AssayError as error:
        print(f"error: {error}", file=sys.stderr)
        print(f"the work folder is kept: {folder}", file=sys.stderr)
        return error.exit_code
    print("\n".join(printed(found, SHOWN)))
    counts = [sum(one.status == status for one in found) for status in (GOOD, BAD, SKIPPED)]
    took = time.monotonic() - began
    print("verify {}: {} good, {} bad, {} skipped; {:.0f} s".format(arguments.depth, *counts, took))
    code = exit_code(found)
    if code or arguments.keep:
        print(f"the work folder is kept: {folder}")
    else:
        shutil.rmtree(folder)
    return code


if __name__ == "__main__":
    os.umask(0o022)
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--against", type=Path, required=True, help="folder, archive or manifest")
    command.add_argument("--depth", default=RESCORE, help=" | ".join(TAKEN))
    command.add_argument("--work", type=Path, help="folder to work in (default: a temporary one)")
    command.add_argument("--cores", type=int, default=1)
    command.add_argument("--keep", action="store_true", help="keep the work folder")
    sys.exit(main(command.parse_args()))
