"""Pack a finished run as a folder and as one deterministic archive."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from assay.core.errors import AssayError
from assay.core.files import sha256_file
from assay.provenance.publish import publish


def main(arguments: argparse.Namespace) -> int:
    """Publish; say where and with which digests; return the exit code."""
    try:
        made = publish(
            arguments.run, Path.cwd(), arguments.to,
            lean=arguments.lean, archive=not arguments.no_archive,
        )  # fmt: skip
    except AssayError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"folder:  {made.folder} ({made.size} bytes)")
    if made.archive:
        print(f"archive: {made.archive} sha256 {sha256_file(made.archive)}")
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--run", type=Path, required=True, help="results/<run>")
    command.add_argument("--to", type=Path, required=True, help="folder that gets the publication")
    command.add_argument("--lean", action="store_true", help="without large tables")
    command.add_argument("--no-archive", action="store_true", help="the folder alone")
    sys.exit(main(command.parse_args()))
