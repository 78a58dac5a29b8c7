"""Describe a publication as RO-Crate, in-toto attestation, Croissant and CycloneDX documents."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from assay.core.errors import AssayError
from assay.provenance.describe import describe


def main(arguments: argparse.Namespace) -> int:
    """Describe; name what was written; return the exit code."""
    now = datetime.now(UTC).replace(microsecond=0)
    published = datetime.fromisoformat(arguments.date) if arguments.date else now
    try:
        for path in describe(arguments.folder, Path.cwd(), published, arguments.key):
            print(path)
    except AssayError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("folder", type=Path, help="what `make publish` wrote")
    command.add_argument("--date", help="ISO date of publication; now, if it is not given")
    command.add_argument("--key", type=Path, help="private key (PEM) to sign with")
    sys.exit(main(command.parse_args()))
