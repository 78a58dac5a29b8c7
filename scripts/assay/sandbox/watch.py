"""Counts what a sandbox holds, from outside: processes, threads, memory and files.

RLIMIT_NPROC does not bind root, and RLIMIT_AS binds one process each; so the launcher also
looks at the whole sandbox a few times a second, through this machine's /proc.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
COUNTED = ("RssAnon:", "RssShmem:")  # kB lines of /proc/<pid>/status; file pages are not its own
SCRATCH = ("tmp", "dev/shm")


@dataclass(frozen=True)
class Load:
    """What the processes below one hold.

    tasks:  processes and threads
    memory: bytes; what several of them share counts for each
    files:  inodes on the sandbox's scratch folders: a tmpfs' size does not bound empty files
    """

    tasks: int
    memory: int
    files: int


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
    return Load(tasks, sum(_memory(process) for process in found), _files(found))


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


def _memory(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "status").read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(COUNTED)) << 10


def _files(processes: list[int]) -> int:
    """Count the inodes of the scratch folders, through the root of the first process."""
    if not processes:
        return 0
    with contextlib.ExitStack() as stack:
        try:
            root = _folder(stack, PROC / str(processes[0]) / "root")
            if os.path.samestat(os.fstat(root), Path("/").stat()):
                return 0  # the sandbox is still being set up
            places = [_folder(stack, name, root) for name in SCRATCH]
        except (FileNotFoundError, ProcessLookupError):
            return 0  # it is still being set up, or has ended meanwhile
        states = [os.statvfs(place) for place in places]
    return sum(state.f_files - state.f_ffree for state in states)


def _folder(stack: contextlib.ExitStack, path: Path | str, inside: int | None = None) -> int:
    handle = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=inside)
    stack.callback(os.close, handle)
    return handle
