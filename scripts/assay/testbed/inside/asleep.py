"""Tells when the processes of a job have slept for too long: nothing will come of them.

A process that waits for ever uses no processor time, and wall time can't tell it from a slow one
on a busy machine. What tells it is that none of its threads is ready to run or has woken up once.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

LOOK_S = 1.0  # between two looks
PROC = Path("/proc")  # of the sandbox's own pid namespace
SLEEPING = ("S", "T", "t", "Z", "X")  # states of threads that wait for something or have ended
WAKES = ("voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:")

Signs = dict[str, tuple[str, ...]]


class Sleeper:
    """Remembers since when the processes below this one have been asleep."""

    def __init__(self, bound: float) -> None:
        self.bound = bound
        self.seen: Signs | None = None
        self.since = time.monotonic()

    def too_long(self) -> bool:
        """Look again; say whether nothing has moved for the bound's seconds."""
        signs = _signs()
        if signs is None or signs != self.seen:
            self.seen, self.since = signs, time.monotonic()
        return time.monotonic() - self.since >= self.bound


def _signs() -> Signs | None:
    """Return how often each thread has woken up, by its path; None if one is awake or unclear."""
    found: Signs = {}
    above = _ancestors()
    for process in sorted(PROC.iterdir()):
        if not process.name.isdigit() or process.name in above:
            continue
        try:
            for thread in sorted((process / "task").iterdir()):
                fields = _status(thread)
                wakes = tuple(fields[name] for name in WAKES if name in fields)
                if not fields["State:"].startswith(SLEEPING) or len(wakes) < len(WAKES):
                    return None
                found[str(thread)] = wakes
        except (FileNotFoundError, ProcessLookupError):
            return None  # it has ended meanwhile: that is a move
    return found


def _ancestors() -> set[str]:
    """Return this process and those above it in the sandbox."""
    found = {"0"}
    current = str(os.getpid())
    while current not in found:
        found.add(current)
        current = _status(PROC / current)["PPid:"]
    return found


def _status(place: Path) -> dict[str, str]:
    lines = (place / "status").read_text(encoding="utf-8", errors="replace").splitlines()
    pairs = (line.split(None, 1) for line in lines)
    return {pair[0]: pair[-1] for pair in pairs if pair}
