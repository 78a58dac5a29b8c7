"""Check who vouches for a described publication: its attestation, its signature, its digests."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from assay.core.errors import AssayError
from assay.provenance.attestation import vouched


def main(arguments: argparse.Namespace) -> int:
    """Name each file that the key vouches for, with its sha256; return the exit code."""
    try:
        for name, digest in sorted(vouched(arguments.folder, arguments.key).items()):
            print(f"{name}: {digest}")
    except AssayError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("folder", type=Path, help="a publication, described and signed")
    command.add_argument("--key", type=Path, required=True, help="public key (PEM)")
    sys.exit(main(command.parse_args()))
