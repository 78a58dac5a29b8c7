"""Stands over a running sandbox: reads what it writes, and says when it has to end."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from assay.core.execution import (
    CRASHED,
    OUT_OF_MEMORY,
    RAN,
    TOO_MUCH_OUTPUT,
    WALL_TIMEOUT,
    Limits,
)
from assay.sandbox import watch
from assay.sandbox.watch import Load

POLL_S = 0.05
CHUNK = 1 << 16
OVERHEAD_TASKS = 4
INODES = 100_000
STREAMS = ("stdout", "stderr", "channel")
STATUS = "status"


@dataclass
class Running:
    """A started sandbox: bubblewrap's process, and the ends to read its streams from.

    readers: an end of each of STREAMS and of bubblewrap's own STATUS
    started: has to be called with the first process inside, which waits until then
    beyond:  returns which bounds of its control group it has met: "memory", "pids"
    """

    process: subprocess.Popen[bytes]
    readers: Mapping[str, int]
    started: Callable[[int], None] = lambda _: None
    beyond: Callable[[], tuple[str, ...]] = tuple


class Guard:
    """Reads what a sandbox writes, within bounds, and decides when it has to end.

    init: descriptor (pidfd) of the first process inside; None before it has started
    """

    def __init__(self, running: Running, limits: Limits) -> None:
        self.running, self.process, self.limits = running, running.process, limits
        readers = running.readers
        self.taken: dict[str, list[bytes]] = {name: [] for name in readers}
        self.sizes = dict.fromkeys(readers, 0)
        self.heard = time.monotonic()
        self.init: int | None = None
        self.open = selectors.DefaultSelector()
        for name, handle in readers.items():
            os.set_blocking(handle, False)
            self.open.register(handle, selectors.EVENT_READ, name)

    def watch(self, until: Callable[[], bool] | None = None) -> tuple[str, str] | None:
        """Return (kind, why) once the sandbox has ended by itself or has to be ended.

        Return None as soon as `until()` holds; it is asked after each read.
        """
        looked, self.heard = 0.0, time.monotonic()
        while True:
            ended = self.process.poll() is not None
            self._read(0 if ended else POLL_S)
            if until is not None and until():
                return None
            now = time.monotonic()
            if full := self._overflown():
                return TOO_MUCH_OUTPUT, f"more than {self.limits.output_mb} MiB of {full}"
            if ended:
                return self._too_much(Load(0, 0, 0)) or (RAN, "")
            if now - self.heard > self.limits.wall_s:
                return WALL_TIMEOUT, f"no end after {self.limits.wall_s} s"
            if now - looked >= POLL_S:
                looked = now
                if problem := self._load():
                    return problem

    def take(self, name: str) -> bytes:
        """Return what was read of a stream since the last call, and count anew from here."""
        data = b"".join(self.taken[name])
        self.taken[name].clear()
        self.sizes[name] = 0
        return data

    def streams(self) -> dict[str, bytes]:
        """Return what was read of each stream."""
        return {name: b"".join(self.taken[name]) for name in STREAMS}

    def status(self) -> dict[str, int]:
        """Return what bwrap reported: `child-pid` once it started, `exit-code` once it ended."""
        found: dict[str, int] = {}
        for line in b"".join(self.taken[STATUS]).splitlines(keepends=True):
            if line.endswith(b"\n"):
                found.update(json.loads(line))
        return found

    def close(self) -> None:
        """Give back the descriptors that it has opened itself."""
        self.open.close()
        if self.init is not None:
            os.close(self.init)

    def _read(self, timeout: float) -> None:
        """Read what is there; once the sandbox has ended, all that is left."""
        while self.open.get_map():
            ready = self.open.select(timeout)
            for key, _ in ready:
                self._take(key.fd, key.data)
            if timeout or not ready or self._overflown():
                return
        if timeout:  # all pipes are closed, yet it runs: mostly for a moment only
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout)

    def _take(self, handle: int, name: str) -> None:
        data = os.read(handle, CHUNK)
        if not data:
            self.open.unregister(handle)
            return
        self.taken[name].append(data)
        self.sizes[name] += len(data)
        if name == "channel":
            self.heard = time.monotonic()
        elif name == STATUS and self.init is None and (pid := self.status().get("child-pid")):
            with contextlib.suppress(ProcessLookupError):  # it has ended already
                self.init = os.pidfd_open(pid)
                self.running.started(pid)

    def _overflown(self) -> str:
        bound = self.limits.output_mb << 20
        return next((name for name in STREAMS if self.sizes[name] > bound), "")

    def _load(self) -> tuple[str, str] | None:
        return self._too_much(watch.load(self.process.pid, self._tasks))

    @property
    def _tasks(self) -> int:
        return self.limits.processes + OVERHEAD_TASKS

    def _too_much(self, load: Load) -> tuple[str, str] | None:
        """Say what is beyond its bound: as counted here, or as its control group says."""
        beyond = self.running.beyond()
        if load.tasks > self._tasks or "pids" in beyond:
            return CRASHED, f"more than {self.limits.processes} processes and threads"
        if load.memory > self.limits.memory_mb << 20 or "memory" in beyond:
            return OUT_OF_MEMORY, f"more than {self.limits.memory_mb} MiB in all"
        if load.files > INODES:
            return OUT_OF_MEMORY, f"more than {INODES} files"
        return None
