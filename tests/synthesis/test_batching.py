"""Judging together says what judging one by one says, in as few calls as there are rounds."""

import pytest

from assay.categories.base import Judgement
from assay.core.errors import HarnessError
from assay.core.execution import HARNESS_ERROR, RAN, Job, JobResult
from assay.synthesis.batching import judged_together


class Bench:
    def __init__(self, broken=0):
        self.calls, self.broken = [], broken

    def read(self, path):
        return f"text of {path}"

    def run(self, jobs):
        self.calls.append(len(jobs))
        if self.broken:
            self.broken -= 1
            return [JobResult(HARNESS_ERROR) for _ in jobs]
        return [JobResult(RAN, detail=" ".join(job.tests)) for job in jobs]


def judge(name, rounds):
    def run(bench):
        seen = [bench.run([Job(tests=(name, str(n)))])[0].detail for n in range(rounds)]
        return Judgement("passed", RAN, " / ".join(seen) + bench.read("x"))

    return run


def test_every_judge_gets_its_own_results_round_by_round():
    bench = Bench()
    judges = [judge("a", 2), judge("b", 0), judge("c", 3), judge("d", 1)]
    together = [found.reason for found in judged_together(judges, bench)]
    assert together == [one(Bench()).reason for one in judges]
    assert bench.calls == [3, 2, 1]


def test_a_failure_of_the_harness_is_tried_once_more_alone():
    bench = Bench(broken=1)
    assert judged_together([judge("a", 1)], bench)[0].reason == "a 0text of x"
    assert bench.calls == [1, 1]


def test_a_judge_that_changes_its_mind_is_refused():
    names = iter("abc")

    def fickle(bench):
        bench.run([Job(tests=(next(names),))])
        return Judgement("passed", RAN, "")

    with pytest.raises(HarnessError):
        judged_together([fickle], Bench())
