"""Compare this machine's results with a manifest: one line a file, exit 1 on any difference."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from assay.core.errors import EXIT_INTERNAL, UserError
from assay.provenance.verify import EQUAL, verify


def main(against: Path, results: Path) -> int:
    """Print a verdict for each file; return the exit code."""
    try:
        findings = verify(against, results)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    for finding in findings:
        print(f"{finding.verdict:<10} {finding.path}  {finding.detail}".rstrip())
    differing = [finding for finding in findings if finding.verdict != EQUAL]
    print(f"{len(findings) - len(differing)} equal, {len(differing)} not")
    return EXIT_INTERNAL if differing else 0


if __name__ == "__main__":
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--against", type=Path, required=True, help="a manifest.json")
    command.add_argument("--results", type=Path, default=Path("results"))
    given = command.parse_args()
    sys.exit(main(given.against, given.results))
