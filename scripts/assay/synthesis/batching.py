"""Judges many answers with few calls of the bench, each through the scorer's own path.

A judge is run again and again against a bench that replays what is known; when it asks for more,
its jobs are noted, and the noted jobs of all judges run together. The last run, in which nothing
is missing, is the one that counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from assay.categories.base import Judgement
from assay.core.errors import HarnessError
from assay.core.execution import HARNESS_ERROR, Bench, Job, JobResult

Judge = Callable[[Bench], Judgement]


class _MissingError(Exception):
    """The jobs are noted; their results come later."""


@dataclass
class _Replay:
    """Hands back the results of the jobs that ran already, in their order."""

    bench: Bench
    known: list[tuple[list[Job], list[JobResult]]] = field(default_factory=list)
    asked: int = 0
    noted: list[Job] = field(default_factory=list)

    def run(self, jobs: Sequence[Job]) -> list[JobResult]:
        if self.asked == len(self.known):
            self.noted = list(jobs)
            raise _MissingError
        before, results = self.known[self.asked]
        if before != list(jobs):
            raise HarnessError("a judge asked for other jobs when it was run again")
        self.asked += 1
        return results

    def read(self, path: str) -> str:
        return self.bench.read(path)


def judged_together(judges: Sequence[Judge], bench: Bench) -> list[Judgement]:
    """Return what each judge says, in their order; equal to calling each with the bench."""
    replays = [_Replay(bench) for _ in judges]
    found: dict[int, Judgement] = {}
    while len(found) < len(judges):
        waiting = []
        for index, (judge, replay) in enumerate(zip(judges, replays, strict=True)):
            if index in found:
                continue
            replay.asked = 0
            try:
                found[index] = judge(replay)
            except _MissingError:
                waiting.append(replay)
        _run(waiting, bench)
    return [found[index] for index in range(len(judges))]


def _run(waiting: Sequence[_Replay], bench: Bench) -> None:
    jobs = [job for replay in waiting for job in replay.noted]
    results = bench.run(jobs) if jobs else []
    for replay in waiting:
        mine, results = results[: len(replay.noted)], results[len(replay.noted) :]
        if any(result.outcome == HARNESS_ERROR for result in mine):
            mine = bench.run(replay.noted)  # once more, alone: another job may have been at fault
        replay.known.append((replay.noted, mine))
