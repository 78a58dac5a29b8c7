"""List the digest of every input and output of a run."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from assay.core.files import write_json
from assay.core.program import lock_of, parser, run
from assay.provenance.manifest import manifest, measured


def main(arguments: argparse.Namespace) -> None:
    """Write the deterministic manifest and the list of what was measured."""
    write_json(arguments.manifest, manifest(arguments.root, arguments.files, arguments.settings))
    write_json(arguments.measured, measured(arguments.root, arguments.telemetry, os.environ))


if __name__ == "__main__":
    command = parser(__doc__)
    command.add_argument("--root", type=Path, required=True, help="folder of the run")
    command.add_argument("--files", type=Path, nargs="+", required=True)
    command.add_argument("--telemetry", type=Path, nargs="*", default=[])
    command.add_argument("--manifest", type=Path, required=True)
    command.add_argument("--measured", type=Path, required=True)
    given = command.parse_args()
    run(main, given, lock_of(given.manifest))
