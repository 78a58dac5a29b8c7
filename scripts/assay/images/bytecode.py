"""Compiles an image's Python files, by the image's own interpreter: its start takes a third.

In one process, in sorted order and with a fixed hash seed the bytes repeat (marshal marks what
is referenced more than once, so another order or a second process would change them).
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from assay.core.errors import HarnessError

FOLDERS = ("opt", "usr/lib/python3", "usr/lib/python3.11", "usr/local/lib/python3.11")
LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = f"{LIBRARIES}/ld-linux-x86-64.so.2"
SOME_DO_NOT_PARSE = 1  # templates and data for tests; they stay uncompiled


def compile_files(root: Path) -> None:
    """Write `__pycache__` beside the Python files below `root`, unchecked by time or digest."""
    folders = [str(root / name) for name in FOLDERS if (root / name).is_dir()]
    command = [
        str(root / LOADER), "--library-path", str(root / LIBRARIES),
        str(root / "usr/bin/python3.11"), "-S", "-s", "-m", "compileall", "-q", "-j", "1",
        "-s", str(root), "-p", "/", "--invalidation-mode", "unchecked-hash", *folders,
    ]  # fmt: skip
    environment = {
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONHOME": str(root / "usr"),
    }
    done = subprocess.run(
        command, env=environment, check=False, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode not in {0, SOME_DO_NOT_PARSE}:
        raise HarnessError(f"compileall failed ({done.returncode}): {done.stdout[-2000:]}")
