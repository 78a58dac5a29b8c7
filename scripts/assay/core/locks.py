"""One writer for each output, and steps that die with the run that started them.

Kernel locks (flock) vanish with their holder, so a crash leaves nothing to clean up.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from assay.core.errors import EXIT_INTERNAL
from assay.core.files import unwritable
from assay.core.progress import say

POLL_S = 0.5


@contextlib.contextmanager
def exclusive(path: Path, label: str) -> Iterator[None]:
    """Hold the lock for the block; wait, and say so, while another process holds it.

    Raises UserError if the lock file can't be made.
    """
    with open_lock(path) as handle:
        if not _try_lock(handle.fileno(), fcntl.LOCK_EX):
            say(f"{label}: waiting for another instance to end ({path})")
            while not _try_lock(handle.fileno(), fcntl.LOCK_EX):
                time.sleep(POLL_S)
        yield


def open_lock(path: Path) -> BinaryIO:
    """Return the open lock file, made if it is missing; raise UserError if it can't be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")
    except OSError as error:
        raise unwritable(path, error) from error


def die_with_owner(run_lock: Path) -> None:
    """End this process when nobody holds the run's lock any more.

    The lock's owner is the workflow's main process. A step in a container outlives the SIGKILL
    of that process (it is in a pid namespace of its own), so it watches the lock instead. What
    the step itself started dies with it (`bwrap --die-with-parent`).
    """
    threading.Thread(target=_watch, args=(run_lock,), daemon=True, name="owner-watch").start()


def owned(run_lock: Path) -> bool:
    """Tell whether some process holds the run's lock exclusively."""
    try:
        with run_lock.open("rb") as handle:
            return not _try_lock(handle.fileno(), fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _watch(run_lock: Path) -> None:
    while owned(run_lock):
        time.sleep(POLL_S)
    say(f"the workflow that owns {run_lock} is gone: this step ends too")
    os._exit(EXIT_INTERNAL)


def _try_lock(handle: int, mode: int) -> bool:
    try:
        fcntl.flock(handle, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
