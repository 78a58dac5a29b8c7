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
from assay.testbed.session import Extras, Session, plain, testing_arguments

MODULE = "assay.testbed.inside.warm"


def can_be(job: Job, extras: Extras = Extras()) -> bool:  # noqa: B008 (it is frozen)
    """Say whether a job may be served warm: scenarios or tests, not both, nothing special."""
    one_kind = bool(job.tests) != bool(job.scenarios)
    usual = not extras.record and not extras.trace
    return job.warm is True and one_kind and usual and not job.probes


@dataclass
class WarmPool:
    """The idle servers of a session: usual ones (`pool`) and late ones."""

    session: Session
    pool: Pool = field(init=False)
    late: Pool = field(init=False)

    def __post_init__(self) -> None:
        self.pool, self.late = Pool(self.session, MODULE), Pool(self.session, MODULE)

    def run(
        self, jobs: Sequence[Job], *, lines_of: Sequence[str] = ()
    ) -> list[reports.Report | None]:  # fmt: skip
        """Serve jobs of one kind in order; None for each that needs the usual way.

        lines_of: files of which each test reports the lines that it executes (`Report.reached`)
        """
        found: list[reports.Report | None] = []
        kind, servers = _kind(jobs[0]), dict[bool, Server]()
        for job in jobs:
            report, modules = None, _modules(job)
            for late in (False, True)[: 1 + self._beyond(modules)]:
                server = servers.pop(late, None) or self._server(kind, late=late)
                report, alive = (
                    self._serve(server, job, modules, lines_of) if server else (None, True)
                )
                if server and alive:
                    servers[late] = server
                if report or not alive:
                    break
            found.append(report)
        for late, server in servers.items():
            self._of(late).give(kind, server)
        return found

    def _of(self, late: bool) -> Pool:
        return self.late if late else self.pool

    def _beyond(self, modules: Sequence[str]) -> bool:
        """Say whether a job needs modules that are not the target's: a late server may serve it."""
        return any(name.partition(".")[0] not in self.session.packages for name in modules)

    def _server(self, kind: Kind, *, late: bool) -> Server | None:
        _, with_tests = kind
        target, session = self.session.target, self.session
        request = {
            "tests": with_tests, "placed": {} if with_tests else session.named,
            "python_path": target.get("source_roots") or ["."],
            "test_paths": target["tests"]["paths"],
            "test_arguments": testing_arguments(target), "prepare": target.get("prepare", {}),
            "preload": session.preload_of(with_tests=with_tests),
            "packages": session.packages if late else [],
        }  # fmt: skip
        return self._of(late).take(kind, request)

    def _serve(
        self, server: Server, job: Job, modules: Sequence[str], lines_of: Sequence[str]
    ) -> tuple[reports.Report | None, bool]:  # fmt: skip
        """Return the job's report (None: not served) and whether the server lives on."""
        own = {"number": 0, "modules": modules, "deselect": [], "lines_of": lines_of}
        taken = Frames()
        data = server.ask({**plain(job), **own}, taken)
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


def _kind(job: Job) -> Kind:
    return job.hash_seed, bool(job.tests)


def _modules(job: Job) -> list[str]:
    return sorted(set().union(*(codec.modules(item.data) for item in job.scenarios)))
