"""Starts one sandbox, watches it from outside, and says what became of it.

The program's own results come over a pipe of their own (descriptor number in ASSAY_CHANNEL),
never over standard output. Everything that is read is bounded.
"""

from __future__ import annotations

import contextlib
import functools
import os
import select
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field

from assay.core.errors import HarnessError
from assay.core.execution import (
    CPU_TIMEOUT,
    CRASHED,
    HARNESS_ERROR,
    RAN,
    Limits,
)  # fmt: skip
from assay.sandbox import cgroups, pids, seccomp, watch
from assay.sandbox import view as views
from assay.sandbox.guard import OVERHEAD_TASKS, STATUS, STREAMS, Guard, Running
from assay.sandbox.view import View

DEVICE_MODES = views.device_modes()
FILES = 256
OVERHEAD_MB = 64
GRACE_S = 60.0
SIGNAL_BASE = 128


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
    When it returns, nothing of the sandbox is left running. Raises UserError if bubblewrap is
    missing, HarnessError if the sandbox can't be killed.
    """
    with contextlib.ExitStack() as stack:
        running = start(stack, argv, view, limits, _file(stack, stdin))
        guard = Guard(running, limits)
        stack.callback(guard.close)
        verdict = guard.watch() or (RAN, "")
        kill(running.process, guard.init)
        views.restore_devices(DEVICE_MODES)
        return _outcome(verdict, guard.streams(), guard.status())


def start(
    stack: contextlib.ExitStack, argv: Sequence[str], view: View, limits: Limits, stdin: int
) -> Running:
    """Start a program in a sandbox, reading `stdin`; what is to be undone goes on the stack."""
    readers: dict[str, int] = {}
    group = cgroups.make(_bounds(limits))
    if group:
        stack.callback(group.remove)
    block, unblock = os.pipe()
    stack.callback(os.close, unblock)
    with contextlib.ExitStack() as ours:  # what only the sandbox needs once it runs
        writers: dict[str, int] = {}
        for name in (*STREAMS, STATUS):
            readers[name], writers[name] = os.pipe()
            stack.callback(os.close, readers[name])
            ours.callback(os.close, writers[name])
        ours.callback(os.close, block)
        fds = views.Descriptors(
            seccomp=_file(ours, seccomp.program()), status=writers[STATUS],
            passwd=_file(ours, views.PASSWD), group=_file(ours, views.GROUP), block=block,
        )  # fmt: skip
        command = [str(views.find_bwrap()), *views.bwrap_arguments(view, limits, fds)]
        command += ["--setenv", "ASSAY_CHANNEL", str(writers["channel"])]
        process = subprocess.Popen(
            [*command, "--", *limited(argv, limits)], env={}, cwd="/",
            stdin=stdin, stdout=writers["stdout"], stderr=writers["stderr"],
            pass_fds=(fds.seccomp, fds.status, fds.passwd, fds.group, block, writers["channel"]),
        )  # fmt: skip
    stack.callback(kill, process)
    started = functools.partial(_let_go, unblock, limits, group)
    return Running(process, readers, started, group.beyond if group else tuple)


def _bounds(limits: Limits) -> dict[str, int]:
    """Return the walls behind what the guard counts, beyond where it ends a sandbox."""
    memory = limits.memory_mb + 2 * limits.tmp_mb + OVERHEAD_MB  # scratch folders are memory too
    return {"memory": memory << 20, "pids": 2 * (limits.processes + OVERHEAD_TASKS)}


def _let_go(unblock: int, limits: Limits, group: cgroups.Group | None, pid: int) -> None:
    """Bound the sandbox as a whole where the kernel can, and let its program start."""
    if group:
        group.add(pid)
    if pids.can_bound():
        pids.bound(pid, _bounds(limits)["pids"])
    with contextlib.suppress(BrokenPipeError):  # it has ended: the guard says how
        os.write(unblock, b"go")


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


def kill(process: subprocess.Popen[bytes], init: int | None = None) -> None:
    """End the whole sandbox: with its pid namespace's init dies all that is in it.

    init: descriptor of that process, if it is known; then its end is waited for. It outlives
    bubblewrap for a moment, and with it whatever the program left behind.
    """
    if process.poll() is None:
        inner, _ = watch.descendants(process.pid, 1)
        for pid in [*inner[:1], process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    process.wait()
    if init is None:
        return
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(init, signal.SIGKILL)
    end = select.poll()
    end.register(init, select.POLLIN)
    if not end.poll(GRACE_S * 1000):
        raise HarnessError("the sandbox can't be killed: something in it is stuck in the kernel")


def _file(stack: contextlib.ExitStack, data: bytes) -> int:
    handle = os.memfd_create("assay")
    stack.callback(os.close, handle)
    with open(handle, "wb", closefd=False) as stream:
        stream.write(data)
    os.lseek(handle, 0, os.SEEK_SET)
    return handle
