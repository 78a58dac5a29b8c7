"""Judges many variants of the target at warm servers: does one of the tests tell each apart?

A variant first meets the few tests that have told most others apart; only what they let pass is
run over all the rest. That changes how soon a verdict is there, and never which it is.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from assay.core.execution import RAN, Bench, Job

FIRST = 3  # tests that a variant meets first
BAD = frozenset({"failed", "error"})


@dataclass(frozen=True)
class Judgement:
    """Whether a variant was told apart, by which test, and what else happened.

    outcome: of its last job; anything but `ran` tells a variant apart as well
    by:      the test's node id; "" if none did
    ran:     tests that were run
    """

    outcome: str
    by: str = ""
    ran: int = 0

    @property
    def killed(self) -> bool:
        """Whether the variant was told apart."""
        return bool(self.by) or self.outcome != RAN


@dataclass
class _Kills:
    """How many variants each test has told apart: in all, and of those with the same tests."""

    known: Counter[tuple[tuple[str, ...], str]] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def best(self, tests: tuple[str, ...]) -> list[str]:
        """Return the tests to try first, those of most kills among the like before others."""
        with self.lock:
            ranked = sorted(
                tests, key=lambda test: (-self.known[tests, test], -self.known[(), test])
            )
        return ranked[:FIRST]

    def note(self, tests: tuple[str, ...], test: str) -> None:
        with self.lock:
            self.known[tests, test] += 1
            self.known[(), test] += 1


def judge(bench: Bench, jobs: Sequence[Job], workers: int = 1) -> list[Judgement]:
    """Judge each job's files by the job's tests, stopping at the first that fails.

    Verdicts come in the order of the jobs. Which test is named as the one that told a variant
    apart depends on what came before where there are several; `killed` does not.
    """
    kills = _Kills()
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda job: _judge(bench, job, kills), jobs))


def _judge(bench: Bench, job: Job, kills: _Kills) -> Judgement:
    seen, ran = Judgement(RAN), 0
    for tests in _stages(job, kills):
        part = replace(job, tests=tests, stop_at_first_failure=True, warm=True)
        result = bench.run([part])[0]
        ran += len(result.tests)
        by = next((name for name, outcome in result.tests.items() if outcome in BAD), "")
        seen = Judgement(result.outcome, by, ran)
        if by:
            kills.note(tuple(job.tests), by)
        if seen.killed:
            break
    return seen


def _stages(job: Job, kills: _Kills) -> Iterator[list[str]]:
    first = kills.best(tuple(job.tests))
    yield first
    rest = [test for test in job.tests if test not in set(first)]
    if rest:
        yield rest
