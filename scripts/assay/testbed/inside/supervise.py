"""The supervisor of a sandbox: takes jobs, forks a child for each phase, reports over frames.

It preloads the target's third-party modules and pytest, never the target, so that each child
starts warm and imports the code under test afresh. It never parses what a child reports.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import gc
import importlib
import json
import os
import shutil
import signal
import stat
import time
import warnings
from pathlib import Path
from typing import Any, BinaryIO

from assay.testbed.inside import forked, frames, scenarios, tree

SCRATCH = (Path("/tmp"), Path("/dev/shm"))  # noqa: S108 (the sandbox's own)
# Where root runs the workflow, the jobs own these nodes of the machine.
DEVICES = {
    node: node.stat().st_mode for node in sorted(Path("/dev").iterdir()) if node.is_char_device()
}
PR_SET_DUMPABLE = 4
MIB = 1 << 20
WITHIN = 0.9


@dataclasses.dataclass(frozen=True)
class Line:
    """Where requests come from, and the descriptor that answers go to."""

    requests: BinaryIO
    channel: int

    def close(self) -> None:
        """Keep both from a job's process."""
        os.close(self.channel)
        os.close(self.requests.fileno())


def opened() -> Line:
    """Return the line to the outside; jobs get an empty standard input."""
    line = Line(os.fdopen(os.dup(0), "rb"), int(os.environ.pop("ASSAY_CHANNEL")))
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    return line


def main() -> None:
    """Read lines of JSON until standard input ends: what to preload, then jobs to run."""
    line = opened()
    _dumpable(False)  # no child may open this process' descriptors or memory
    problems = preload(json.loads(line.requests.readline())["preload"])
    freeze()
    frames.write(line.channel, frames.READY, 0, 0, json.dumps(problems).encode())
    for request in line.requests:
        asked = json.loads(request)
        for index, job in enumerate(asked["jobs"]):
            _run(index, {**job, "files": {**asked["placed"], **job["files"]}}, line)


def freeze() -> None:
    """Keep the collector away from what forks share: it would copy every page."""
    gc.collect()
    gc.freeze()


def preload(names: list[str]) -> list[str]:
    """Import modules; return what is wrong with those that can't be."""
    problems = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            try:
                importlib.import_module(name)
            except ImportError as error:
                problems.append(f"{name}: {error}")
    return problems


def _run(index: int, job: dict[str, Any], line: Line) -> None:
    began, used = time.monotonic(), 0
    phases = [(frames.TESTS, job["tests"]), (frames.SCENARIOS, job["scenarios"] or job["probes"])]
    ended = forked.Ended()
    for phase, work in phases:
        if not work:
            continue
        bounds = forked.Bounds(
            max(1, job["cpu_s"] - used // 1_000_000),
            job["wall_s"] - (time.monotonic() - began), job["output_mb"] * MIB, job["asleep_s"],
        )  # fmt: skip
        ended = _phase(index, phase, job, bounds, line)
        used += ended.cpu_us
        if ended.outcome != forked.RAN:
            break
    summary = {
        "outcome": ended.outcome, "detail": ended.detail, "cpu_us": used,
        "tail": ended.tail.decode("utf-8", "replace"),
    }  # fmt: skip
    frames.write(line.channel, frames.END, 0, index, json.dumps(summary).encode())


def _phase(
    index: int, phase: int, job: dict[str, Any], bounds: forked.Bounds, line: Line
) -> forked.Ended:
    began = time.monotonic()

    def body(report: int) -> None:
        line.close()
        _dumpable(True)
        tree.place(job["files"], job["python_path"])
        if phase == frames.TESTS:
            from assay.testbed.inside import testing

            testing.run(job, report, _recorders(job))
        else:
            # A little less, so that it can still say which scenario does not end.
            left = WITHIN * bounds.wall_s - (time.monotonic() - began)
            scenarios.run(job, report, dataclasses.replace(bounds, wall_s=left))

    def forward(data: bytes) -> None:
        frames.write(line.channel, frames.DATA, phase, index, data)

    _tidy()
    ended = forked.call(body, bounds, forward)
    _tidy()
    return ended


def _recorders(job: dict[str, Any]) -> list[Any]:
    if not job["record"]:
        return []
    from assay.testbed.inside import recording

    return [recording.Recorder(job["record"], job["values"], job["test_folders"])]


def _tidy() -> None:
    """End every process but this one, empty the scratch folders, mend the device nodes."""
    with contextlib.suppress(ProcessLookupError):
        while True:  # until none is left: one that is dying may still finish a write
            os.kill(-1, signal.SIGKILL)
            time.sleep(0.001)
    for node, mode in DEVICES.items():
        if node.stat().st_mode != mode:
            node.chmod(stat.S_IMODE(mode))
    for folder in SCRATCH:
        for entry in sorted(folder.iterdir()):
            _remove(entry)


def _remove(entry: Path) -> None:
    """Remove what a job has left, whatever permissions it gave it; raise OSError if it stays."""
    if entry.is_symlink() or not entry.is_dir():
        entry.unlink(missing_ok=True)
        return
    entry.chmod(stat.S_IRWXU)
    for folder, names, _ in os.walk(entry):
        for name in names:
            place = os.path.join(folder, name)  # noqa: PTH118 (names may be no text)
            if not os.path.islink(place):  # noqa: PTH114
                os.chmod(place, stat.S_IRWXU)  # noqa: PTH101
    shutil.rmtree(entry)


def _dumpable(state: bool) -> None:
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, int(state), 0, 0, 0)


if __name__ == "__main__":
    main()
