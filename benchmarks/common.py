"""What the benchmarks share: the machine in words, and where figures go."""

from __future__ import annotations

import ctypes
import datetime as dt
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PR_SET_CHILD_SUBREAPER = 36
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


def adopt_orphans() -> None:
    """Become the parent of what is orphaned below, so that `cpu_seconds` counts it when it ends.

    The first process of a sandbox outlives bubblewrap for a moment, and would take its time along.
    """
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError("prctl(PR_SET_CHILD_SUBREAPER)")


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


def testbed(scratch: Path) -> Path:
    """Return the root file system of the testbed image, unpacked."""
    if named := os.environ.get("ASSAY_TESTBED_ROOT"):
        return Path(named)
    sys.path.insert(0, str(ROOT / "scripts"))
    from assay.core.progress import say
    from assay.images.build import builder_tools
    from assay.images.names import name_of, read_lock
    from assay.images.pack import unpack_image
    from assay.images.store import cache_root, image_file, image_folder

    lock, cache = read_lock(ROOT, "testbed-cerberus"), cache_root()
    image = name_of(lock)
    if image_folder(cache, image).is_dir():
        return image_folder(cache, image)
    say("unpacking the testbed image")
    root = scratch / "testbed"
    unpack_image(image_file(cache, image), root, builder_tools(cache, lock, scratch))
    return root


def write(name: str, figures: dict[str, Any]) -> None:
    """Print the figures and write them as JSON below benchmarks/results/."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(figures, indent=2, sort_keys=True) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
    print(text, end="")
