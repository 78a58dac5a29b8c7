"""The process that enters pid namespaces and bounds their numbers; see `pids`.

Reads lines "<pid> <bound>", answers "ok" or why not. Imports nothing of assay: it runs as a file.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import sys
from pathlib import Path

NS_GET_USERNS = 0xB701
CLONE_NEWUSER, CLONE_NEWPID = 0x10000000, 0x20000000
LIBC = ctypes.CDLL(None, use_errno=True)
BOUND = Path("/proc/sys/kernel/pid_max")  # of the namespace of who opens it


def main() -> None:
    """Serve one request after the other."""
    for line in sys.stdin:
        pid, bound = (int(part) for part in line.split())
        before = read_bound()
        why = bounded(pid, bound)
        if read_bound() != before:
            why = "the bound of the whole machine was changed"
        sys.stdout.write(f"{why or 'ok'}\n")
        sys.stdout.flush()


def read_bound() -> str:
    """Return the bound of this process' own namespace."""
    return BOUND.read_text(encoding="ascii")


def bounded(pid: int, bound: int) -> str:
    """Set the bound of a process' pid namespace; return why that failed, or an empty text."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.write(writer, _entered(pid, bound).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as told:
        why = told.read()
    os.waitpid(child, 0)
    return "" if why == "set" else why or "it ended without a word"


def _entered(pid: int, bound: int) -> str:
    """Enter, and let a child, which alone is inside, write the bound."""
    try:
        numbers = os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY)
        if os.path.samestat(os.fstat(numbers), Path("/proc/self/ns/pid").stat()):
            return "it has no namespace of its own"
        owner = fcntl.ioctl(numbers, NS_GET_USERNS)
        for handle, kind in ((owner, CLONE_NEWUSER), (numbers, CLONE_NEWPID)):
            if LIBC.setns(handle, kind):
                code = ctypes.get_errno()
                raise OSError(code, os.strerror(code))
        inside = os.fork()
        if inside == 0:
            try:
                BOUND.write_text(str(bound), encoding="ascii")
            except OSError as error:
                os._exit(error.errno or 1)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(inside, 0)[1])
    except OSError as error:
        return f"{error.strerror} (entering)"
    return "set" if code == 0 else f"{os.strerror(code) if code > 0 else code} (writing)"


if __name__ == "__main__":
    main()
