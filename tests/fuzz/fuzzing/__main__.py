"""Grow motifs of answers, then fuzz each target for some minutes, and print what came of it.

Exit code 1 if there is a finding, 2 if Atheris is missing. What is kept lies in --folder: the
corpus, which the next run goes on from, the findings, the slowest input and the log.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from fuzzing import corpus, growth

TARGETS = ("answers", "codec", "frames")
LEAST_S = 5  # what is left of the time after a crash, to begin again
HEAD = ("target", "wall s", "cpu s", "executions", "a second", "corpus", "edges", "slowest ms",
        "of bytes", "findings")  # fmt: skip


@dataclass
class Total:
    """What the processes of one target did."""

    executions: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    slowest_ms: float = 0.0
    slowest_bytes: int = 0

    def add(self, counts: dict[str, float]) -> None:
        """Add what one process did."""
        self.executions += int(counts["executions"])
        self.wall_s += counts["wall_s"]
        self.cpu_s += counts["cpu_s"]
        if counts["slowest_ms"] > self.slowest_ms:
            self.slowest_ms, self.slowest_bytes = counts["slowest_ms"], int(counts["slowest_bytes"])


def main() -> int:
    """Run the targets one after the other; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--folder", type=Path, default=Path(".fuzz"))
    parser.add_argument("--no-growth", action="store_true", help="leave out the growth of motifs")
    parser.add_argument("targets", nargs="*", default=TARGETS, metavar=f"one of {TARGETS}")
    given = parser.parse_args()
    if unknown := sorted(set(given.targets) - set(TARGETS)):
        parser.error(f"unknown target {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    if importlib.util.find_spec("atheris") is None:
        print("error: there is no Atheris for this Python and machine", file=sys.stderr)
        return 2
    steep = 0 if given.no_growth else growth.main()
    rows = [fuzz(name, given.minutes * 60, given.folder / name) for name in given.targets]
    print(table([HEAD, *rows]))
    return int(bool(steep) or any(row[-1] != "0" for row in rows))


def fuzz(name: str, seconds: float, folder: Path) -> tuple[str, ...]:
    """Fuzz one target in processes of its own until the time is over; return its row."""
    prepare(name, folder)
    total, until, turns = Total(), time.monotonic() + seconds, 0
    with (folder / "log").open("wb") as log:
        while turns == 0 or until - time.monotonic() > LEAST_S:
            turns += 1
            left = max(1, round(until - time.monotonic()))
            command = [sys.executable, "-m", "fuzzing.child", name, str(left), str(folder)]
            subprocess.run(command, stdout=log, stderr=log, check=False)
            counts = folder / "counts.json"
            if not counts.exists():
                raise SystemExit(f"error: {name} did not start, see {folder / 'log'}")
            total.add(json.loads(counts.read_text()))
            counts.unlink()
    text = (folder / "log").read_text(errors="replace")
    edges = max(map(int, re.findall(r" cov: (\d+) ", text)), default=0)
    kinds = sorted(one.stem for one in (folder / "findings").glob("*.txt"))
    crashes = sorted(one.name for one in folder.glob("crash-*"))
    for kind in kinds:
        last = (folder / "findings" / f"{kind}.txt").read_text().rstrip().rpartition("\n")[2]
        print(f"{name}: {folder / 'findings' / kind}: {last}")
    for crash in crashes:
        print(f"{name}: {folder / crash}: the process died or hung")
    size = len(list((folder / "corpus").iterdir()))
    return (
        name, f"{total.wall_s:.0f}", f"{total.cpu_s:.0f}", str(total.executions),
        f"{total.executions / max(total.wall_s, 1e-9):.0f}", str(size), str(edges),
        f"{total.slowest_ms:.0f}", str(total.slowest_bytes), str(len(kinds) + len(crashes)),
    )  # fmt: skip


def prepare(name: str, folder: Path) -> None:
    """Write seeds and dictionary anew; the corpus of earlier runs stays, their findings do not."""
    for part in ("seeds", "findings"):
        shutil.rmtree(folder / part, ignore_errors=True)
    for old in folder.glob("crash-*"):
        old.unlink()
    for part in ("seeds", "findings", "corpus"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(corpus.seeds(name)):
        (folder / "seeds" / f"{number:04}").write_bytes(seed)
    (folder / "dictionary").write_text(corpus.dictionary())


def table(rows: list[tuple[str, ...]]) -> str:
    """Return rows as text, each column as wide as it has to be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
             for row in rows]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
