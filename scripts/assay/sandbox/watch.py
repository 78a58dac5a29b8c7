"""Counts what a sandbox holds, from outside: processes, threads and memory.

RLIMIT_NPROC does not bind root, and RLIMIT_AS binds one process each; so the launcher also
looks at the whole sandbox a few times a second, through this machine's /proc.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
STATM_RESIDENT, STATM_SHARED = 1, 2
PROC = Path("/proc")


@dataclass(frozen=True)
class Load:
    """Tasks (processes and threads) below a process, and their private memory in bytes."""

    tasks: int
    memory: int


def descendants(pid: int, at_most: int) -> tuple[list[int], int]:
    """Return the processes below `pid` and the number of their tasks; stop above `at_most`."""
    found: list[int] = []
    tasks = 0
    waiting = [pid]
    while waiting and tasks <= at_most:
        current = waiting.pop()
        children, threads = _family(current)
        waiting += children
        if current != pid:
            found.append(current)
            tasks += threads
    return found, tasks


def load(pid: int, at_most: int) -> Load:
    """Return what the processes below `pid` hold."""
    found, tasks = descendants(pid, at_most)
    return Load(tasks, sum(_private(process) for process in found))


def _family(pid: int) -> tuple[list[int], int]:
    children: list[int] = []
    threads = 0
    try:
        # Order is of no matter here: the result is a count.
        for thread in sorted((PROC / str(pid) / "task").iterdir()):
            threads += 1
            text = (thread / "children").read_text(encoding="ascii")
            children += [int(child) for child in text.split()]
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has ended meanwhile
    return children, threads


def _private(pid: int) -> int:
    try:
        fields = (PROC / str(pid) / "statm").read_text(encoding="ascii").split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return (int(fields[STATM_RESIDENT]) - int(fields[STATM_SHARED])) * PAGE
