"""Judges many variants of the target at warm servers: does one of the tests tell each apart?

A variant first meets the tests that have told most others apart, and only those that can meet its
change at all. That changes how soon a verdict is there, and never which it is.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from assay.core.execution import RAN, Job
from assay.testbed.bench import SandboxBench
from assay.testbed.reach import Reach

FIRST = 3  # tests that a variant meets first
BAD = frozenset({"failed", "error"})


@dataclass(frozen=True)
class Judgement:
    """Whether a variant was told apart, by which test, and what else happened.

    outcome: of its job; anything but `ran` tells a variant apart as well
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

    def ordered(self, like: tuple[str, ...], tests: Sequence[str]) -> list[str]:
        """Return tests with those first that have the most kills among the like, then of all."""
        with self.lock:
            ranked = sorted(
                tests, key=lambda test: (-self.known[like, test], -self.known[(), test])
            )
        first = ranked[:FIRST]
        return [*first, *(test for test in tests if test not in first)]

    def note(self, like: tuple[str, ...], test: str) -> None:
        with self.lock:
            self.known[like, test] += 1
            self.known[(), test] += 1


def judge(
    bench: SandboxBench, jobs: Sequence[Job], reach: Reach, workers: int = 1
) -> list[Judgement]:  # fmt: skip
    """Judge each job's files by the job's tests, stopping at the first that fails.

    reach: what is known of the tests (`reach.learn`); `Reach({})` for nothing
    Verdicts come in the order of the jobs. Which test is named as the one that told a variant
    apart depends on what came before where there are several; `killed` does not.
    """
    kills = _Kills()
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda job: _judge(bench, job, reach, kills), jobs))


def _judge(bench: SandboxBench, job: Job, reach: Reach, kills: _Kills) -> Judgement:
    like = tuple(job.tests)
    tests = kills.ordered(like, reach.meeting(job, bench))
    if not tests:
        return Judgement(RAN)
    part = replace(job, tests=tests, as_listed=True, stop_at_first_failure=True, warm=True)
    result = bench.run([part])[0]
    by = next((name for name, outcome in result.tests.items() if outcome in BAD), "")
    if by:
        kills.note(like, by)
    return Judgement(result.outcome, by, len(result.tests))
