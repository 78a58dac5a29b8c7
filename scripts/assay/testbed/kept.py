"""Sandboxes kept for the next jobs: third-party modules are imported once, the target each time.

A job gets what it gets in a sandbox of its own: a fork of a process that has never imported the
target, empty scratch folders, nobody beside it. Only the start of the sandbox and of its modules
is shared. It is for code of our own making; a model's answer never meets another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.core.execution import RAN, Job
from assay.sandbox.launch import Outcome
from assay.testbed import reports
from assay.testbed.pool import JOBS_MAX, Frames, Pool
from assay.testbed.session import SUPERVISOR, Session


@dataclass
class KeptPool:
    """The idle supervisors of a session."""

    session: Session
    pool: Pool = field(init=False)

    def __post_init__(self) -> None:
        self.pool = Pool(self.session, SUPERVISOR)

    def run(self, request: Mapping[str, Any], jobs: Sequence[Job]) -> list[reports.Report]:
        """Run jobs of one kind; nothing if the sandbox ended, and they need one of their own."""
        kind = jobs[0].hash_seed, any(job.tests for job in jobs)
        preload = self.session.preload_of(with_tests=kind[1])
        server = self.pool.take(kind, {"preload": preload})
        data = server.ask(request, Frames(len(jobs))) if server else None
        if server is None or data is None:
            return []
        if server.served < JOBS_MAX:
            self.pool.give(kind, server)
        else:
            server.live.close()
        return reports.read(Outcome(RAN, 0, {"channel": reports.READY + data}), jobs)
