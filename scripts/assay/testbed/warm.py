"""Warm servers: sandboxes that have imported the unchanged target and fork for each job.

A usual server imports what the scenarios need as well; a late one leaves what is not the target's
to each job, since a function that such a module calls when it is imported can't be exchanged after
that. What neither can serve is left to the usual way: the caller gets None for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from assay.core import codec
from assay.core.execution import RAN, Job
from assay.sandbox.launch import Outcome
from assay.testbed import reports
from assay.testbed.inside import frames
from assay.testbed.pool import JOBS_MAX, Frames, Kind, Pool, Server
from assay.testbed.session import Session, plain, scanned_packages, testing_arguments

MODULE = "assay.testbed.inside.warm"


def can_be(job: Job) -> bool:
    """Say whether a job may be served warm: scenarios or tests, not both, nothing special."""
    one_kind = bool(job.tests) != bool(job.scenarios)
    return job.warm is True and one_kind and not job.probes


@dataclass
class WarmPool:
    """The idle servers of a session, by hash seed and whether they run tests."""

    session: Session
    pool: Pool = field(init=False)

    def __post_init__(self) -> None:
        self.pool = Pool(self.session, MODULE)

    def run(self, jobs: Sequence[Job]) -> list[reports.Report | None]:
        """Serve jobs of one kind in order; None for each that needs the usual way."""
        found: list[reports.Report | None] = []
        servers: dict[Kind, Server] = {}
        for job in jobs:
            report = None
            for kind in self._kinds(job):
                server = servers.pop(kind, None) or self._server(kind)
                report, alive = self._serve(server, job) if server else (None, True)
                if server and alive:
                    servers[kind] = server
                if report or not alive:
                    break
            found.append(report)
        for kind, server in servers.items():
            self.pool.give(kind, server)
        return found

    def _kinds(self, job: Job) -> list[Kind]:
        """Return the kinds of servers to ask, one after the other, until one serves the job."""
        own = scanned_packages(self.session.target)
        beyond = any(name.partition(".")[0] not in own for name in _modules(job))
        return [(job.hash_seed, bool(job.tests), late) for late in (False, True)[: 1 + beyond]]

    def _server(self, kind: Kind) -> Server | None:
        _, with_tests, late = kind
        target, session = self.session.target, self.session
        request = {
            "tests": with_tests, "placed": {} if with_tests else session.named,
            "python_path": target.get("source_roots") or ["."],
            "test_paths": target["tests"]["paths"],
            "test_arguments": testing_arguments(target), "prepare": target.get("prepare", {}),
            "preload": session.preload_of(with_tests=with_tests),
            "packages": scanned_packages(target) if late else [],
        }  # fmt: skip
        return self.pool.take(kind, request)

    def _serve(self, server: Server, job: Job) -> tuple[reports.Report | None, bool]:
        """Return the job's report (None: not served) and whether the server lives on."""
        request = {**plain(job), "number": 0, "modules": _modules(job), "deselect": []}
        taken = Frames()
        data = server.ask(request, taken)
        if data is None:
            return None, False
        if taken.last == frames.COLD:
            died = server.live.process.poll() is not None or _said_why(data)
            if died:
                server.live.close()
            return None, not died
        if server.served >= JOBS_MAX:
            server.live.close()
        report = reports.read(Outcome(RAN, 0, {"channel": reports.READY + data}), [job])[0]
        return report, server.served < JOBS_MAX


def _said_why(data: bytes) -> bool:
    """Tell whether the last frame carries a summary: the server ends itself after that."""
    return any(kind == frames.COLD and payload for kind, _, _, payload in frames.parse(data))


def _modules(job: Job) -> list[str]:
    return sorted(set().union(*(codec.modules(item.data) for item in job.scenarios)))
