"""What the benchmarks share: the machine in words, and where figures go."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def machine() -> dict[str, Any]:
    """What the figures were measured on; the load says whether it was idle."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load": [round(value, 1) for value in os.getloadavg()],
        "python": platform.python_version(),
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
    }


def cpu_seconds() -> float:
    """Processor time of this process and all below it, those that have ended included.

    A busy machine stretches wall time and leaves this nearly alone.
    """
    tick, own = os.sysconf("SC_CLK_TCK"), os.getpid()
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        fields = line.rpartition(")")[2].split()
        parents[int(folder.name)] = int(fields[1])
        used[int(folder.name)] = sum(map(int, fields[11:15])) / tick
    return sum(seconds for pid, seconds in used.items() if own in _line_of(pid, parents))


def _line_of(pid: int, parents: dict[int, int]) -> list[int]:
    line = [pid]
    while line[-1] in parents:
        line.append(parents[line[-1]])
    return line


def write(name: str, figures: dict[str, Any]) -> None:
    """Print the figures and write them as JSON below benchmarks/results/."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(figures, indent=2, sort_keys=True) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
    print(text, end="")
