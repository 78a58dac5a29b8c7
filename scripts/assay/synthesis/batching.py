"""Judges many answers with one call of the bench, each through the scorer's own path.

Each judge is run twice: first against a bench that only notes its jobs, then, after all noted
jobs ran together, against one that hands the results back. A judge that asks for more than it
asked at first is served by the real bench.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from assay.categories.base import Judgement
from assay.core.execution import Bench, Job, JobResult

Judge = Callable[[Bench], Judgement]


class _NotedError(Exception):
    """The jobs are noted; their results come later."""


@dataclass
class _Noting:
    bench: Bench
    jobs: list[Job] = field(default_factory=list)

    def run(self, jobs: Sequence[Job]) -> list[JobResult]:
        self.jobs = list(jobs)
        raise _NotedError

    def read(self, path: str) -> str:
        return self.bench.read(path)


@dataclass
class _Replaying:
    bench: Bench
    jobs: list[Job]
    results: list[JobResult]

    def run(self, jobs: Sequence[Job]) -> list[JobResult]:
        if list(jobs) == self.jobs:
            self.jobs = []  # a second try, after a failure of the harness, is a real one
            return self.results
        return self.bench.run(jobs)

    def read(self, path: str) -> str:
        return self.bench.read(path)


def judged_together(judges: Sequence[Judge], bench: Bench) -> list[Judgement]:
    """Return what each judge says, in their order; equal to calling each with the bench."""
    noted = [_noted(judge, bench) for judge in judges]
    jobs = [job for item in noted for job in item.jobs]
    results = iter(bench.run(jobs) if jobs else [])
    found = []
    for judge, item in zip(judges, noted, strict=True):
        mine = [next(results) for _ in item.jobs]
        found.append(judge(_Replaying(bench, item.jobs, mine)))
    return found


def _noted(judge: Judge, bench: Bench) -> _Noting:
    noting = _Noting(bench)
    try:
        judge(noting)
    except _NotedError:
        return noting
    return noting
