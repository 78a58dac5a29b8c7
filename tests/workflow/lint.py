"""Run `snakemake --lint` and read it as JSON: the only finding allowed is a step on the host."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = "Specify a conda environment or container for each rule"
ON_HOST = {"fetch_source", "fetch_model", "build_image"}


def findings() -> list[tuple[str, str]]:
    """Return (rule or file, title) of every finding; exit if the linter did not run."""
    command = [Path(sys.executable).parent / "snakemake", "--lint", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    start = done.stdout.find("{")
    if start < 0:
        if "Congratulations" in done.stdout + done.stderr:
            return []
        sys.exit(f"lint: snakemake --lint did not run:\n{done.stdout}\n{done.stderr}")
    report = json.loads(done.stdout[start:])
    found = [
        (entry["snakefile"], lint["title"])
        for entry in report["snakefiles"]
        for lint in entry["lints"]
    ]
    return found + [
        (entry["for"]["rule"], lint["title"])
        for entry in report["rules"]
        for lint in entry["lints"]
    ]


if __name__ == "__main__":
    found = findings()
    wrong = [(rule, title) for rule, title in found if not (title == ALLOWED and rule in ON_HOST)]
    for rule, title in wrong:
        print(f"lint: {rule}: {title}")
    print(f"lint: {len(found) - len(wrong)} allowed findings, {len(wrong)} others")
    sys.exit(bool(wrong))
