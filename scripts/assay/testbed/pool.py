"""Sandboxes that stay: started once, asked again and again, idle in between."""

from __future__ import annotations

import contextlib
import json
import threading
import weakref
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from assay.sandbox.live import Live
from assay.testbed.inside import frames
from assay.testbed.session import PYTHON, Session

CPU_S = 6 * 3600  # of one sandbox's whole life; each job has its own bound
OUTPUT_MB = 64
JOBS_MAX = 2000  # a sandbox that has served so many is replaced

Kind = tuple[int, bool]  # hash seed, and whether tests are run


@dataclass
class Frames:
    """Takes frames apart as they come; done when so many jobs have ended."""

    jobs: int = 1
    rest: bytearray = field(default_factory=bytearray)
    last: int = -1

    def complete(self, data: bytes) -> bool:
        """Take what has come; say whether the last job's last frame is there."""
        self.rest += data
        at, head = 0, frames.HEAD.size
        while self.jobs and len(self.rest) >= at + head:
            kind, _, _, length = frames.HEAD.unpack_from(self.rest, at)
            if len(self.rest) < at + head + length:
                break
            at += head + length
            self.last = kind
            self.jobs -= kind in (frames.END, frames.COLD, frames.READY)
        del self.rest[:at]  # once, not for each frame: that would be quadratic
        return not self.jobs


@dataclass
class Server:
    """One sandbox that stays, and how many jobs it has served."""

    live: Live
    served: int = 0

    def ask(self, request: Mapping[str, Any], taken: Frames) -> bytes | None:
        """Send one request; return what came of it, or None if the sandbox has ended."""
        data = self.live.ask(line(request), taken.complete)
        self.served += taken.jobs == 0
        return data


Idle = dict[Kind, list[Server]]


@dataclass
class Pool:
    """The idle servers of a session that run one program."""

    session: Session
    module: str
    idle: Idle = field(default_factory=lambda: defaultdict(list))
    lock: threading.Lock = field(default_factory=threading.Lock)
    # A sandbox dies with the thread that started it, so one thread starts them all, and stays.
    starter: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def __post_init__(self) -> None:
        weakref.finalize(self, _close_all, self.idle)

    def take(self, kind: Kind, request: Mapping[str, Any]) -> Server | None:
        """Return an idle server, or a new one that has got the request; None if it fails."""
        with self.lock:
            if self.idle[kind]:
                return self.idle[kind].pop()
        session = self.session
        limits = replace(
            session.limits, cpu_s=CPU_S, output_mb=OUTPUT_MB,
            tmp_mb=session.limits.tmp_mb + 2 * session.size_mb,
        )  # fmt: skip
        view = session.view(*kind, compiled=True)  # only code of our own making runs here
        live = self.starter.submit(Live, [PYTHON, "-m", self.module], view, limits).result()
        ready = live.ask(line(request), Frames().complete)
        return Server(live) if ready is not None else None

    def give(self, kind: Kind, server: Server) -> None:
        """Take a server back that can serve again."""
        with self.lock:
            self.idle[kind].append(server)


def line(request: Mapping[str, Any]) -> bytes:
    """Return a request as the line that a program in a sandbox reads."""
    return json.dumps(request).encode() + b"\n"


def _close_all(idle: Idle) -> None:
    for servers in idle.values():
        while servers:
            with contextlib.suppress(OSError):
                servers.pop().live.close()
