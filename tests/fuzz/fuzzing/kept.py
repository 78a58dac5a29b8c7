"""What is kept of a fuzzing process: counts, the slowest input, the smallest of each finding."""

from __future__ import annotations

import hashlib
import json
import time
import traceback
from pathlib import Path

from fuzzing.broken import BrokenError

EVERY_S = 5.0


class Kept:
    """The counts and findings of one process, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.executions, self.slowest = 0, (0.0, b"")
        self.smallest: dict[str, int] = {}
        self.began, self.told = time.monotonic(), 0.0

    def ran(self, data: bytes, seconds: float) -> None:
        """Count an execution; write the counts now and then."""
        self.executions += 1
        if seconds > self.slowest[0]:
            self.slowest = (seconds, data)
        now = time.monotonic()
        if now - self.told >= EVERY_S:
            self.told = now
            self.write(now)

    def write(self, now: float) -> None:
        """Write the counts, and the slowest input beside them."""
        told = {
            "executions": self.executions, "wall_s": now - self.began,
            "cpu_s": time.process_time(), "slowest_ms": 1000 * self.slowest[0],
            "slowest_bytes": len(self.slowest[1]),
        }  # fmt: skip
        (self.folder / "slowest").write_bytes(self.slowest[1])
        (self.folder / "counts.json").write_text(json.dumps(told))

    def found(self, data: bytes, error: Exception) -> None:
        """Keep an input that breaks a promise, unless a smaller one of its kind is there."""
        kind = kind_of(error)
        if len(data) >= self.smallest.get(kind, 1 << 30):
            return
        self.smallest[kind] = len(data)
        folder = self.folder / "findings"
        folder.mkdir(exist_ok=True)
        (folder / kind).write_bytes(data)
        text = "".join(traceback.format_exception(error))
        (folder / f"{kind}.txt").write_text(text, "utf-8", "backslashreplace")


def kind_of(error: Exception) -> str:
    """Return what tells findings apart: the promise, or where the library raised what."""
    places = traceback.extract_tb(error.__traceback__)
    last = next((one for one in reversed(places) if "assay" in one.filename), places[-1])
    where = str(error)[:40] if isinstance(error, BrokenError) else f"{last.name}:{last.lineno}"
    return hashlib.sha256(f"{type(error).__name__} {where}".encode()).hexdigest()[:12]
