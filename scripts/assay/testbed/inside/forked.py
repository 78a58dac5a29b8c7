"""One forked child: bounded in time and output, watched until it ends."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from assay.testbed.inside import asleep

CHUNK = 1 << 16
TAIL = 4000
RAN, CRASHED, CPU, WALL = "ran", "crashed", "cpu_timeout", "wall_timeout"
MEMORY, OUTPUT = "out_of_memory", "too_much_output"
MEMORY_EXIT = 77

Body = Callable[[int], None]


@dataclass(frozen=True)
class Bounds:
    """Seconds of CPU, of wall time and of sleep; bytes of report and of standard output together.

    asleep_s: a child that waits for ever uses no CPU time, so only this ends it soon
    """

    cpu_s: int
    wall_s: float
    output: int
    asleep_s: float


@dataclass
class Ended:
    """How a child ended: outcome, why, its output's tail, the CPU time it used."""

    outcome: str = RAN
    detail: str = ""
    tail: bytes = b""
    cpu_us: int = 0
    report: list[bytes] = field(default_factory=list)


def call(body: Body, bounds: Bounds, sink: Callable[[bytes], None], *, quiet: bool = True) -> Ended:
    """Run `body(report descriptor)` in a fork; hand what it reports to `sink` as it comes.

    With `quiet` its standard output and error are taken and bounded, else they are left alone.
    """
    report, report_end = os.pipe()
    output, output_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(report)
        os.close(output)
        _child(body, bounds, report_end, output_end if quiet else None)
    os.close(report_end)
    os.close(output_end)
    try:
        return _watch(pid, {report: sink, output: None}, bounds)
    finally:
        os.close(report)
        os.close(output)


def _child(body: Body, bounds: Bounds, report: int, output: int | None) -> NoReturn:
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (bounds.cpu_s, bounds.cpu_s + 1))
        if output is not None:
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.close(output)
        body(report)
        sys.stdout.flush()
        sys.stderr.flush()
        code = 0
    except MemoryError:
        code = MEMORY_EXIT
    except BaseException as error:  # noqa: BLE001 (a fork must never return into its parent)
        with contextlib.suppress(BaseException):
            sys.stderr.write(f"{type(error).__qualname__}: {error}\n")
            sys.stderr.flush()
    finally:
        os._exit(code)


def _watch(pid: int, sinks: dict[int, Callable[[bytes], None] | None], bounds: Bounds) -> Ended:
    ended = Ended()
    handle = os.pidfd_open(pid)
    poll = select.poll()
    for descriptor in (handle, *sinks):
        poll.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + bounds.wall_s
    taken, alive, sleeper = 0, True, asleep.Sleeper(bounds.asleep_s)
    while alive or sinks:
        left = deadline - time.monotonic()
        ready = poll.poll(max(0, min(left, asleep.LOOK_S)) * 1000 if alive else 0)
        if alive and left <= 0:
            ended.outcome, ended.detail = WALL, "wall time used up"
        elif alive and not ready and sleeper.too_long():
            ended.outcome, ended.detail = WALL, f"asleep for {bounds.asleep_s} s"
        if taken > bounds.output:
            ended.outcome, ended.detail = OUTPUT, "too much output"
        if ended.outcome != RAN or (not alive and not ready):
            break  # what a leftover process still holds open is not waited for
        for descriptor, _ in ready:
            if descriptor == handle:
                alive = False
                poll.unregister(handle)
            else:
                taken += _take(descriptor, sinks, poll, ended)
    _reap(pid, handle, ended, bounds)
    return ended


def _take(
    descriptor: int,
    sinks: dict[int, Callable[[bytes], None] | None],
    poll: select.poll,
    ended: Ended,
) -> int:
    data = os.read(descriptor, CHUNK)
    sink = sinks[descriptor]
    if not data:
        poll.unregister(descriptor)
        del sinks[descriptor]
    elif sink is not None:
        sink(data)
    else:
        ended.tail = (ended.tail + data)[-TAIL:]
    return len(data)


def _reap(pid: int, handle: int, ended: Ended, bounds: Bounds) -> None:
    if ended.outcome != RAN:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    os.close(handle)
    ended.cpu_us = round((usage.ru_utime + usage.ru_stime) * 1_000_000)
    if ended.outcome == RAN and status != 0:
        ended.outcome, ended.detail = _why(status, ended.cpu_us, bounds)


def _why(status: int, cpu_us: int, bounds: Bounds) -> tuple[str, str]:
    if os.WIFEXITED(status):
        code = os.WEXITSTATUS(status)
        return (MEMORY, "memory used up") if code == MEMORY_EXIT else (CRASHED, f"exit code {code}")
    number = os.WTERMSIG(status)
    used_up = cpu_us >= bounds.cpu_s * 1_000_000
    if number == signal.SIGXCPU or (number == signal.SIGKILL and used_up):
        return CPU, "CPU time used up"
    return CRASHED, f"signal {number}"
