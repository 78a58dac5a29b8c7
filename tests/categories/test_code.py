"""The code oracle passes on positive evidence only."""

import json

import pytest

from assay.categories.base import CodeKey, Hidden, Options, code_key, code_key_json, run_code_oracle
from assay.core.execution import HARNESS_ERROR, RAN, JobResult

RIGHT = {"calls": [{"returned": True}], "state": {}}
KEY = CodeKey("p/f.py", None, "f", 1, 2, 1, 2, False, (Hidden("s1", {"entry": "p:f"}, RIGHT),),
              ("t::a", "t::b"))  # fmt: skip
GOOD = {
    "outcome": RAN, "observations": {"s1": RIGHT}, "tests": {"t::a": "passed", "t::b": "passed"},
    "module_files": {"p.f": "p/f.py"},
}  # fmt: skip


class Canned:
    def __init__(self, **changes):
        self.result = JobResult(**{**GOOD, **changes})
        self.jobs = []

    def run(self, jobs):
        self.jobs += jobs
        return [self.result]


def test_agreement_on_everything_passes_and_no_expected_value_enters_the_job():
    bench = Canned()
    found = run_code_oracle(KEY, "text", bench, Options(order_seed=4, hash_seed=2))
    assert (found.status, found.checks) == ("passed", {"scenarios": True, "tests": True})
    assert [job.hash_seed for job in bench.jobs] == [2, 2]
    assert [(len(job.scenarios), len(job.tests)) for job in bench.jobs] == [(1, 0), (0, 2)]
    assert bench.jobs[1].order_seed == 4
    assert "returned" not in repr(bench.jobs)


@pytest.mark.parametrize(
    "changes",
    [
        {"observations": {}},
        {"observations": {"s1": {"calls": [{"returned": ["int", "1"]}], "state": {}}}},
        {"tests": {"t::a": "passed"}},
        {"tests": {"t::a": "passed", "t::b": "skipped"}},
        {"tests": {"t::a": "passed", "t::b": "passed", "t::c": "passed"}},
        {"outcome": "crashed"},
        {"outcome": "cpu_timeout"},
        {"module_files": {}},
    ],
)
def test_anything_less_fails(changes):
    assert run_code_oracle(KEY, "text", Canned(**changes), Options()).status == "failed"


def test_a_fault_of_the_harness_is_void_and_not_a_failure():
    found = run_code_oracle(KEY, "text", Canned(outcome=HARNESS_ERROR), Options())
    assert found.status == "void"


def test_a_key_without_any_check_proves_nothing():
    empty = code_key({**code_key_json(KEY), "hidden": [], "tests": []})
    assert run_code_oracle(empty, "text", Canned(tests={}), Options()).status == "failed"


def test_keys_survive_json():
    assert code_key(json.loads(json.dumps(code_key_json(KEY)))) == KEY


def test_a_run_near_its_limit_is_flagged():
    assert run_code_oracle(KEY, "text", Canned(cpu_us=19_000_000), Options()).near_limit
    assert not run_code_oracle(KEY, "text", Canned(cpu_us=1_000_000), Options()).near_limit
