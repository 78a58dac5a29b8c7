"""Asks `nvidia-smi` (NVML) for a table; the driver brings it, so that no library is needed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

FORMAT = "--format=csv,noheader,nounits"
TIMEOUT_S = 60


def find() -> str | None:
    """Return the program, or None where there is no card, or no driver for it."""
    return shutil.which("nvidia-smi")


def cells(text: str) -> list[list[str]]:
    """Return the cells of each line of what it wrote."""
    return [[cell.strip() for cell in line.split(",")] for line in text.splitlines()]


def table(program: str, query: str) -> tuple[list[list[str]], str]:
    """Return the cells of its table, none if it gave none, and what it said.

    query: such as "--query-gpu=index,name"
    """
    try:
        done = subprocess.run(
            [program, query, FORMAT], check=False, capture_output=True, text=True,
            timeout=TIMEOUT_S, errors="replace",
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return [], str(error)
    rows = [] if done.returncode else cells(done.stdout)
    return rows, (done.stderr or done.stdout).strip()[:400]


def whole(text: str) -> int | None:
    """Return a number; None for "[N/A]", which a card that shares the machine's memory says."""
    return int(text) if text.isdigit() else None


def joined(names: Sequence[str]) -> str:
    """Return the option that asks for these columns of each card."""
    return f"--query-gpu={','.join(names)}"
