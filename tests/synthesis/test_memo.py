"""The memo gives what the bench gave, and asks it only for what is new."""

from dataclasses import replace

from assay.core.execution import RAN, Job, JobResult, Limits, Scenario
from assay.synthesis.memo import MemoBench

A, B, C = (Scenario(name, {"entry": f"m:{name}"}) for name in "abc")


class Bench:
    def __init__(self, outcome=RAN):
        self.asked, self.outcome = [], outcome

    def run(self, jobs):
        self.asked += [[item.scenario_id for item in job.scenarios] for job in jobs]
        return [
            JobResult(self.outcome, {s.scenario_id: {"calls": [dict(job.files), s.scenario_id]}
                                     for s in job.scenarios}, module_files={"m": "m.py"})
            for job in jobs
        ]  # fmt: skip


def test_known_scenarios_are_not_run_again():
    bench = Bench()
    memo = MemoBench(bench)
    job = Job({"m.py": "1"}, (A, B))
    first, second = memo.run([job])[0], memo.run([replace(job, scenarios=(B, C, A))])[0]
    assert bench.asked == [["a", "b"], ["c"]]
    assert list(second.observations) == ["b", "c", "a"]
    assert second.observations["a"] == first.observations["a"]
    assert memo.run([job]) == [replace(first, observations=first.observations)]
    assert len(bench.asked) == 2


def test_other_text_seed_or_limits_and_tests_are_run():
    bench = Bench()
    memo = MemoBench(bench)
    job = Job({"m.py": "1"}, (A,))
    for other in (
        job, replace(job, files={"m.py": "2"}), replace(job, hash_seed=1),
        replace(job, limits=Limits(cpu_s=1)), *[replace(job, tests=("t",))] * 2,
    ):  # fmt: skip
        memo.run([other])
    assert bench.asked == [["a"]] * 6


def test_an_incomplete_run_is_not_kept():
    bench = Bench("cpu_timeout")
    memo = MemoBench(bench)
    job = Job({"m.py": "1"}, (A,))
    assert [memo.run([job])[0].outcome for _ in range(2)] == ["cpu_timeout"] * 2
    assert len(bench.asked) == 2
