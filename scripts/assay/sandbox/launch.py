"""Starts one sandbox, watches it from outside, and says what became of it.

The program's own results come over a pipe of their own (descriptor number in ASSAY_CHANNEL),
never over standard output. Everything that is read is bounded.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from assay.core.execution import (
    CPU_TIMEOUT,
    CRASHED,
    HARNESS_ERROR,
    OUT_OF_MEMORY,
    RAN,
    TOO_MUCH_OUTPUT,
    WALL_TIMEOUT,
    Limits,
)  # fmt: skip
from assay.sandbox import seccomp, watch
from assay.sandbox import view as views
from assay.sandbox.view import View

POLL_S = 0.05
CHUNK = 1 << 16
OVERHEAD_TASKS = 4
FILES = 256
GRACE_S = 2.0
SIGNAL_BASE = 128
STREAMS = ("stdout", "stderr", "channel")


@dataclass(frozen=True)
class Outcome:
    """What became of a sandbox.

    kind:      one of core.execution.OUTCOMES; RAN means that it ended by itself with exit code 0
    exit_code: of the program; None if it was killed from outside or never started
    streams:   bytes of stdout, stderr and channel
    detail:    why the kind is what it is, in words
    """

    kind: str
    exit_code: int | None = None
    streams: dict[str, bytes] = field(default_factory=dict)
    detail: str = ""


def run(argv: Sequence[str], view: View, limits: Limits, stdin: bytes = b"") -> Outcome:
    """Run a program in a sandbox of its own and return what became of it.

    `limits.wall_s` bounds the silence of the channel (and the whole, if nothing is ever written
    to it); output_mb bounds stdout, stderr and channel each.
    Raises UserError if bubblewrap is missing.
    """
    with contextlib.ExitStack() as stack:
        running = _start(stack, argv, view, limits, stdin)
        guard = _Guard(running, limits)
        verdict = guard.watch()
        _kill(running.process)
        return _outcome(verdict, guard.streams(), _status(running.status))


@dataclass
class _Running:
    process: subprocess.Popen[bytes]
    status: int
    readers: dict[str, int]


def _start(
    stack: contextlib.ExitStack, argv: Sequence[str], view: View, limits: Limits, stdin: bytes
) -> _Running:
    readers: dict[str, int] = {}
    with contextlib.ExitStack() as ours:  # what only the sandbox needs once it runs
        writers: dict[str, int] = {}
        for name in (*STREAMS, "status"):
            readers[name], writers[name] = os.pipe()
            stack.callback(os.close, readers[name])
            ours.callback(os.close, writers[name])
        fds = views.Descriptors(
            seccomp=_file(ours, seccomp.program()), status=writers["status"],
            passwd=_file(ours, views.PASSWD), group=_file(ours, views.GROUP),
        )  # fmt: skip
        command = [str(views.find_bwrap()), *views.bwrap_arguments(view, limits, fds)]
        command += ["--setenv", "ASSAY_CHANNEL", str(writers["channel"])]
        process = subprocess.Popen(
            [*command, "--", *limited(argv, limits)], env={}, cwd="/",
            stdin=_file(ours, stdin), stdout=writers["stdout"], stderr=writers["stderr"],
            pass_fds=(fds.seccomp, fds.status, fds.passwd, fds.group, writers["channel"]),
        )  # fmt: skip
    stack.callback(_kill, process)
    return _Running(process, readers.pop("status"), readers)


def limited(argv: Sequence[str], limits: Limits) -> list[str]:
    """Return a command that sets the resource limits and then becomes the program.

    It is the sandbox's own shell that does so (bwrap has no option for it); units are those of
    POSIX `ulimit`: KiB for -v, 512-byte blocks for -f.
    """
    settings = {
        "c": 0, "v": limits.memory_mb << 10, "f": limits.tmp_mb << 11, "n": FILES,
        "p": limits.processes, "t": limits.cpu_s + 1, "S -t": limits.cpu_s,
    }  # fmt: skip
    script = " && ".join(f"ulimit -{name} {value}" for name, value in settings.items())
    return ["/bin/sh", "-c", f'{script} && exec "$@"', "sh", *argv]


class _Guard:
    """Reads what a sandbox writes, within bounds, and decides when it has to end."""

    def __init__(self, running: _Running, limits: Limits) -> None:
        self.running, self.limits = running, limits
        self.taken: dict[str, list[bytes]] = {name: [] for name in STREAMS}
        self.sizes = dict.fromkeys(STREAMS, 0)
        self.heard = time.monotonic()
        self.open = selectors.DefaultSelector()
        for name, handle in running.readers.items():
            os.set_blocking(handle, False)
            self.open.register(handle, selectors.EVENT_READ, name)

    def watch(self) -> tuple[str, str]:
        """Return (kind, why) once the sandbox has ended by itself or has to be ended."""
        looked = 0.0
        while True:
            ended = self.running.process.poll() is not None
            self._read(0 if ended else POLL_S)
            now = time.monotonic()
            if self._overflown():
                return (
                    TOO_MUCH_OUTPUT,
                    f"more than {self.limits.output_mb} MiB of {self._overflown()}",
                )
            if ended:
                return RAN, ""
            if now - self.heard > self.limits.wall_s:
                return WALL_TIMEOUT, f"no end after {self.limits.wall_s} s"
            if now - looked >= POLL_S:
                looked = now
                if problem := self._load():
                    return problem

    def streams(self) -> dict[str, bytes]:
        return {name: b"".join(parts) for name, parts in self.taken.items()}

    def _read(self, timeout: float) -> None:
        """Read what is there; once the sandbox has ended, all that is left."""
        while self.open.get_map():
            ready = self.open.select(timeout)
            for key, _ in ready:
                self._take(key.fd, key.data)
            if timeout or not ready or self._overflown():
                return
        if timeout:
            time.sleep(POLL_S)  # all pipes are closed, yet it runs

    def _take(self, handle: int, name: str) -> None:
        data = os.read(handle, CHUNK)
        if not data:
            self.open.unregister(handle)
            return
        self.taken[name].append(data)
        self.sizes[name] += len(data)
        if name == "channel":
            self.heard = time.monotonic()

    def _overflown(self) -> str:
        bound = self.limits.output_mb << 20
        return next((name for name in STREAMS if self.sizes[name] > bound), "")

    def _load(self) -> tuple[str, str] | None:
        most = self.limits.processes + OVERHEAD_TASKS
        load = watch.load(self.running.process.pid, most)
        if load.tasks > most:
            return CRASHED, f"more than {self.limits.processes} processes and threads"
        if load.memory > self.limits.memory_mb << 20:
            return OUT_OF_MEMORY, f"more than {self.limits.memory_mb} MiB in all"
        return None


def _outcome(
    verdict: tuple[str, str], streams: dict[str, bytes], status: dict[str, int]
) -> Outcome:
    kind, why = verdict
    if kind != RAN:
        return Outcome(kind, None, streams, why)
    code = status.get("exit-code")
    if code is None:
        text = streams["stderr"].decode("utf-8", "replace").strip()
        return Outcome(HARNESS_ERROR, None, streams, f"the sandbox did not start: {text}")
    if code == 0:
        return Outcome(RAN, 0, streams)
    if code == SIGNAL_BASE + signal.SIGXCPU:
        return Outcome(CPU_TIMEOUT, code, streams, "CPU time used up")
    return Outcome(CRASHED, code, streams, f"exit code {code}")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the whole sandbox: without bwrap its pid namespace's init dies, and all in it."""
    if process.poll() is None:
        inner, _ = watch.descendants(process.pid, 1)
        for pid in [*inner[:1], process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    process.wait()


def _status(handle: int) -> dict[str, int]:
    """Return what bwrap reported: `child-pid` once it started, `exit-code` once it ended."""
    os.set_blocking(handle, False)
    found: dict[str, int] = {}
    with contextlib.suppress(BlockingIOError):
        for line in os.read(handle, CHUNK).splitlines():
            found.update(json.loads(line))
    return found


def _file(stack: contextlib.ExitStack, data: bytes) -> int:
    handle = os.memfd_create("assay")
    stack.callback(os.close, handle)
    with open(handle, "wb", closefd=False) as stream:
        stream.write(data)
    os.lseek(handle, 0, os.SEEK_SET)
    return handle
