"""Bounds the process numbers of a sandbox in the kernel, where that has a bound of its own.

`RLIMIT_NPROC` does not hold for root, and what counts from outside may come too late. Since Linux
6.14 each pid namespace has its own `kernel.pid_max` (man 7 pid_namespaces), which who owns the
namespace may lower. The kernel's first 300 numbers come on top, so that is a wall behind the
counting from outside and no more.

Who enters a namespace has to have one thread only. A process of its own does so for each sandbox;
it is started once, and ends with its standard input.
"""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from assay.core.errors import HarnessError

SINCE = (6, 14)
SYSTEM = "/proc/sys"
LOOKS = 25  # at a process that may be about to end
RESERVED = 300  # numbers that the kernel gives out once and never again
_LOCK = threading.Lock()


def can_bound(release: str | None = None) -> bool:
    """Say whether the numbers of each pid namespace can be bounded by themselves here.

    An older kernel has one bound for all of the machine: it is never touched there. Where /proc/sys
    is mounted read-only (some containers), nothing can be written.
    """
    parts = (release or os.uname().release).split("-")[0].split(".")
    known = [int(part) for part in parts[:2] if part.isdigit()]
    return tuple(known) >= SINCE and not os.statvfs(SYSTEM).f_flag & os.ST_RDONLY


def bound(pid: int, most: int) -> None:
    """Bound the process numbers of the pid namespace that a process is in, from outside.

    most: processes and threads that there must be room for, whatever has ended before
    pid:  of the namespace's first process, as it is seen here; it must wait meanwhile. If it shares
          our own namespace, nothing is bounded: that a layer is missing is for `level` to say.
          If it ends meanwhile, that is for who waits for it.
    Raises HarnessError if the kernel refuses.
    """
    try:
        places = [Path("/proc", str(one), "ns/pid").stat() for one in (pid, "self")]
        if os.path.samestat(*places):
            return
    except FileNotFoundError:
        return  # it has ended already
    with _LOCK:
        answer = _asked(pid, RESERVED + most) or _asked(pid, RESERVED + most)
        if answer != "ok" and not _ended(pid):
            raise HarnessError(f"process numbers can't be bounded: {answer or 'no answer'}")


def _asked(pid: int, bound: int) -> str:
    """Return the helper's answer, or nothing if it has been ended; the next one is a new one."""
    helper = _helper()
    if not helper.stdin or not helper.stdout:
        raise HarnessError("the bound of process numbers can't be asked for")
    answer = ""
    with contextlib.suppress(BrokenPipeError):
        helper.stdin.write(b"%d %d\n" % (pid, bound))
        helper.stdin.flush()
        answer = helper.stdout.readline().decode().strip()
    if not answer:
        helper.kill()
        helper.wait()
        _helper.cache_clear()
    return answer


def _ended(pid: int) -> bool:
    """Say whether a process has ended, or does so within a moment."""
    for _ in range(LOOKS):
        try:
            state = Path("/proc", str(pid), "stat").read_text("utf-8", "replace")
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state.rpartition(")")[2].split()[0] in "ZX":
            return True
        time.sleep(0.02)
    return False


@functools.cache
def _helper() -> subprocess.Popen[bytes]:
    program = Path(__file__).with_name("pid_bounder.py")
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
