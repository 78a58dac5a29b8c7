"""A bubblewrap that leaves a layer out: what stands in for a machine that lacks it.

Each change is a line of Python over bubblewrap's list of `arguments`.
"""

from __future__ import annotations

# A fake bubblewrap: the real one, started without some of its arguments.
FAKE = """#!{python}
import os, sys
arguments = sys.argv[1:]
{change}
os.execv({bwrap!r}, ["bwrap", *arguments])
"""
WITHOUT_OPTION = "arguments.remove({!r})"
WITHOUT_SECCOMP = "at = arguments.index('--seccomp'); del arguments[at:at + 2]"
WITHOUT_RLIMITS = "at = arguments.index('--'); del arguments[at + 1:at + 5]"
WITHOUT_SIZES = """
while "--size" in arguments:
    at = arguments.index("--size"); del arguments[at:at + 2]
"""
WITH_ROOT = "arguments[arguments.index('--uid') + 1] = '0'"
WRITABLE_ROOT = """
at = len(arguments) - 1 - arguments[::-1].index('--remount-ro'); del arguments[at:at + 2]
"""
MISSING = [
    ("namespaces", WITHOUT_OPTION.format("--unshare-pid")),
    ("namespaces", WITHOUT_OPTION.format("--unshare-ipc")),
    ("namespaces", WITHOUT_OPTION.format("--unshare-uts") + "; " +
     "at = arguments.index('--hostname'); del arguments[at:at + 2]"),
    ("namespaces", WITH_ROOT),
    ("namespaces", WRITABLE_ROOT),
    ("network", WITHOUT_OPTION.format("--unshare-net")),
    ("seccomp", WITHOUT_SECCOMP),
    ("rlimits", WITHOUT_RLIMITS),
    ("rlimits", WITHOUT_SIZES),
]  # fmt: skip
