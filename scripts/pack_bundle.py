"""Pack all that a run of a config needs as a folder, for a machine without a network."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from assay.bundling.needs import run_of
from assay.bundling.pack import Wish, pack
from assay.core.errors import AssayError
from assay.core.files import sha256_file
from assay.images.store import cache_root


def main(arguments: argparse.Namespace) -> int:
    """Pack; say where, how much and with which digests; return the exit code."""
    began = time.monotonic()
    wish = Wish(tuple(arguments.lock), arguments.lean, arguments.tar)
    try:
        run = run_of(Path.cwd(), arguments.config)
        made = pack(run, cache_root(), arguments.to, wish)
    except AssayError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"bundle: {made.folder} ({made.files} files, {made.size} bytes, "
          f"{time.monotonic() - began:.0f} s)")  # fmt: skip
    print(f"index:  sha256 {made.index}")
    if made.archive:
        print(f"tar:    {made.archive} sha256 {sha256_file(made.archive)}")
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--config", type=Path, help="as CONFIG= of make")
    command.add_argument("--to", type=Path, required=True, help="folder that gets the bundle")
    command.add_argument("--lock", action="append", required=True, help="host, dev, provenance")
    command.add_argument("--lean", action="store_true", help="without what images are built from")
    command.add_argument("--tar", action="store_true", help="one tar beside the folder, too")
    sys.exit(main(command.parse_args()))
