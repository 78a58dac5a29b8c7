"""Warm servers: sandboxes that have imported the unchanged target and fork for each job.

What a server can't serve is left to the usual way: the caller gets None for it.
"""

from __future__ import annotations

import contextlib
import json
import threading
import weakref
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from assay.core import codec
from assay.core.execution import RAN, Job
from assay.sandbox.launch import Outcome
from assay.sandbox.live import Live
from assay.testbed import reports
from assay.testbed.inside import frames
from assay.testbed.session import PYTHON, Session, plain, testing_arguments

MODULE = "assay.testbed.inside.warm"
CPU_S = 6 * 3600  # of one server's whole life; each job has its own bound
OUTPUT_MB = 64
JOBS_MAX = 2000  # a server that has served so many is replaced


Kind = tuple[int, bool]


def can_be(job: Job) -> bool:
    """Say whether a job may be served warm: scenarios or tests, not both, nothing special."""
    one_kind = bool(job.tests) != bool(job.scenarios)
    return job.warm is True and one_kind and not job.probes


@dataclass
class _Frames:
    """Takes frames apart as they come; done when the job's last one is there."""

    rest: bytes = b""
    last: int = -1

    def complete(self, data: bytes) -> bool:
        self.rest += data
        head = frames.HEAD.size
        while len(self.rest) >= head:
            kind, _, _, length = frames.HEAD.unpack_from(self.rest)
            if len(self.rest) < head + length:
                return False
            self.rest = self.rest[head + length :]
            self.last = kind
            if kind in (frames.END, frames.COLD, frames.READY):
                return True
        return False


@dataclass
class Server:
    """One warm sandbox and how many jobs it has served."""

    live: Live
    served: int = 0


Idle = dict[Kind, list[Server]]


@dataclass
class WarmPool:
    """The idle servers of a session, by hash seed and whether they run tests."""

    session: Session
    idle: Idle = field(default_factory=lambda: defaultdict(list))
    lock: threading.Lock = field(default_factory=threading.Lock)
    # A sandbox dies with the thread that started it, so one thread starts them all, and stays.
    starter: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def __post_init__(self) -> None:
        weakref.finalize(self, _close_all, self.idle)

    def run(self, jobs: Sequence[Job]) -> list[reports.Report | None]:
        """Serve jobs of one kind in order; None for each that needs the usual way."""
        found: list[reports.Report | None] = []
        server: Server | None = None
        for job in jobs:
            server = server or self._server(_kind(job))
            report, alive = self._serve(server, job) if server else (None, True)
            found.append(report)
            server = server if alive else None
        if server:
            with self.lock:
                self.idle[_kind(jobs[0])].append(server)
        return found

    def _server(self, kind: Kind) -> Server | None:
        with self.lock:
            if self.idle[kind]:
                return self.idle[kind].pop()
        hash_seed, with_tests = kind
        target, session = self.session.target, self.session
        request = {
            "tests": with_tests, "python_path": target.get("source_roots") or ["."],
            "test_paths": target["tests"]["paths"],
            "test_arguments": testing_arguments(target), "prepare": target.get("prepare", {}),
            "preload": session.preload_of(with_tests=with_tests),
        }  # fmt: skip
        limits = replace(
            session.limits, cpu_s=CPU_S, output_mb=OUTPUT_MB,
            tmp_mb=session.limits.tmp_mb + 2 * session.size_mb,
        )  # fmt: skip
        view = session.view(hash_seed, with_tests=with_tests)
        live = self.starter.submit(Live, [PYTHON, "-m", MODULE], view, limits).result()
        ready = live.ask(json.dumps(request).encode() + b"\n", _Frames().complete)
        return Server(live) if ready is not None else None

    def _serve(self, server: Server, job: Job) -> tuple[reports.Report | None, bool]:
        """Return the job's report (None: not served) and whether the server lives on."""
        request = {**plain(job), "number": 0, "modules": _modules(job), "deselect": []}
        taken = _Frames()
        data = server.live.ask(json.dumps(request).encode() + b"\n", taken.complete)
        if data is None:
            return None, False
        server.served += 1
        if taken.last == frames.COLD:
            died = server.live.process.poll() is not None or _said_why(data)
            if died:
                server.live.close()
            return None, not died
        if server.served >= JOBS_MAX:
            server.live.close()
        ready = frames.HEAD.pack(frames.READY, 0, 0, 2) + b"[]"
        report = reports.read(Outcome(RAN, 0, {"channel": ready + data}), [job])[0]
        return report, server.served < JOBS_MAX


def _said_why(data: bytes) -> bool:
    """Tell whether the last frame carries a summary: the server ends itself after that."""
    return any(kind == frames.COLD and payload for kind, _, _, payload in frames.parse(data))


def _kind(job: Job) -> Kind:
    return job.hash_seed, bool(job.tests)


def _modules(job: Job) -> list[str]:
    return sorted(set().union(*(codec.modules(item.data) for item in job.scenarios)))


def _close_all(idle: Idle) -> None:
    for servers in idle.values():
        while servers:
            with contextlib.suppress(OSError):
                servers.pop().live.close()
