"""The warm server of a sandbox: imports the unchanged target once, then forks for each job.

Requests come as lines of JSON on standard input, answers go as frames to the channel. What it
can't serve (a change that needs a new import, a child that died half-way) it leaves to the usual
way, with a frame that says so. It serves code of our own making: mutants, reference answers; a
model's answer never runs here.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import stat
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from assay.testbed.inside import forked, frames, scenarios, supervise, tree
from assay.testbed.inside.supervise import Line
from assay.testbed.inside.swap import Early, Imported

MIB = 1 << 20
State = dict[str, tuple[int, int]]
Run = Callable[[dict[str, Any], int], None]


def main() -> None:
    """Serve until standard input ends."""
    line = supervise.opened()
    request = json.loads(line.requests.readline())
    problems = supervise.preload(request["preload"])
    warnings.simplefilter("ignore")
    tree.place(request["placed"], request["python_path"])
    frames.write(line.channel, frames.READY, 0, 0, json.dumps(problems).encode())
    if request["tests"]:
        from assay.testbed.inside import warm_tests

        warm_tests.serve(request, line)
    else:
        scenarios.prepare(request["prepare"])
        _serve_scenarios(line, request["packages"])


def _serve_scenarios(line: Line, packages: list[str]) -> None:
    """Serve scenarios.

    packages: the target's own top-level ones, imported at once, in a late server, which leaves
    other modules to the jobs; none in a usual one
    """
    early = Early()
    with early:
        for name in packages:
            with contextlib.suppress(Exception):  # what can't be imported by itself, jobs import
                importlib.import_module(name)
    imported: Imported | None = None
    server: Server | None = None
    work: Run
    for request in line.requests:
        job = json.loads(request)
        now = [name for name in job["modules"] if not packages or _top(name) in packages]
        fresh = [name for name in now if name not in sys.modules]
        if fresh or imported is None or server is None:
            with early:
                for name in fresh:
                    importlib.import_module(name)
            imported = Imported(early)
            server = Server(line, frames.SCENARIOS)
            work = partial(_import_and_run, tree.Modules())
        server.serve(job, imported, work)


def _top(module: str) -> str:
    return module.partition(".")[0]


def _import_and_run(before: tree.Modules, job: dict[str, Any], report: int) -> None:
    for name in job["modules"]:
        importlib.import_module(name)
    scenarios.one_by_one(job, report, before.now)


class Server:
    """Forks for one job after the other, and puts things back after each."""

    def __init__(self, line: Line, phase: int) -> None:
        self.line, self.phase = line, phase
        self.state = _state()
        supervise.freeze()

    def serve(self, job: dict[str, Any], imported: Imported, run: Run) -> None:
        """Serve one job; end the whole server if the tree is no longer what it was."""
        swaps = imported.plan(job["files"])
        if swaps is None:
            self._frame(frames.COLD, job, b"")
            return
        bounds = forked.Bounds(job["cpu_s"], job["wall_s"], job["output_mb"] * MIB, job["asleep_s"])

        def body(report: int) -> None:
            self.line.close()
            for function, code in swaps:
                function.__code__ = code
            run(job, report)

        ended = forked.call(body, bounds, lambda data: self._frame(frames.DATA, job, data))
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        died = ended.outcome == forked.CRASHED or not self._restored()
        summary = {
            "outcome": ended.outcome, "detail": ended.detail, "cpu_us": ended.cpu_us,
            "tail": ended.tail.decode("utf-8", "replace"),
        }  # fmt: skip
        self._frame(frames.COLD if died else frames.END, job, json.dumps(summary).encode())
        if died:
            sys.exit(0)

    def _restored(self) -> bool:
        """Remove what the job has left; say whether all is as it was."""
        now = _state()
        if now == self.state:
            return True
        for path in sorted(now.keys() - self.state.keys(), reverse=True):
            folder = Path(path).is_dir() and not Path(path).is_symlink()
            Path(path).rmdir() if folder else Path(path).unlink()
        return _state() == self.state

    def _frame(self, kind: int, job: dict[str, Any], payload: bytes) -> None:
        frames.write(self.line.channel, kind, self.phase, job["number"], payload)


def _state() -> State:
    """Return size and time of change of every file in the scratch folders; folders have none."""
    found: State = {}
    waiting = [str(folder) for folder in supervise.SCRATCH]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                seen = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(seen.st_mode):
                    found[entry.path] = (0, 0)
                    waiting.append(entry.path)
                else:
                    found[entry.path] = (seen.st_size, seen.st_mtime_ns)
    return found


if __name__ == "__main__":
    main()
