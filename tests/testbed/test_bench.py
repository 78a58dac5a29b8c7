"""Jobs over the small target: outcomes told apart, no influence on each other, checked paths."""

from __future__ import annotations

import dataclasses

import pytest

from assay.core.codec import encode
from assay.core.errors import HarnessError, UserError
from assay.core.execution import Job, Limits, Scenario
from assay.sandbox import cgroups
from assay.testbed.bench import open_bench

pytestmark = pytest.mark.slow
LIMITS = Limits(cpu_s=1, wall_s=30, memory_mb=768, output_mb=1, processes=32)
CORE = "pkg/core.py"
BODY = "    if value < low:\n        return low\n"
IMPORTS = '"""A tiny module."""\n'
TEST = "tests/test_core.py::test_clamp[0]"
KILL = "import os; os.kill(os.getpid(), 9)"
HOSTILE = """
import os, signal, resource, stat
def spoil():
    for folder in ("/tmp", "/dev/shm"):
        os.makedirs(folder + "/locked/inner")
        open(folder + "/locked/inner/file", "w").close()
        os.chmod(folder + "/locked/inner", 0)
        os.chmod(folder + "/locked", 0)
    os.chmod("/tmp/tree/pkg", 0)
    os.chmod("/tmp/tree", 0)
    try:
        resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))
    except OSError:
        pass
    if os.fork() == 0:
        os.setsid()
        while True:
            try:
                os.makedirs("/tmp/tree/again", exist_ok=True)
            except OSError:
                pass
"""


def clamp(*values) -> Scenario:
    data = {
        "entry": "pkg.core:clamp", "init": None, "observe": [],
        "calls": [["", encode(list(values)), encode({})]],
    }  # fmt: skip
    return Scenario(f"clamp{values}", data)


SCENARIO = clamp(5, 1, 3)
RIGHT = {"returned": ["int", "3"]}


@pytest.fixture
def variant(ground):
    """Return a job over a variant of the module: `head` before it, `first` as clamp's start."""
    text = (ground.tree / CORE).read_text()

    def make(head: str = "", first: str = "", **given) -> Job:
        changed = text.replace(IMPORTS, IMPORTS + head + "\n").replace(BODY, first + BODY)
        given = {"scenarios": [SCENARIO], "limits": LIMITS, **given}
        return Job(files={CORE: changed}, **given)

    return make


def seen(result):
    return result.observations.get(SCENARIO.scenario_id, {}).get("calls")


OUTCOMES = {
    "right": ({}, "ran", ""),
    "import fails": ({"head": "import missing_module"}, "crashed", "missing_module"),
    "syntax error": ({"head": "def broken(:"}, "crashed", "SyntaxError"),
    "import exits": ({"head": "raise SystemExit(0)"}, "crashed", "SystemExit"),
    "import hangs": ({"head": "import time; time.sleep(99)"}, "wall_timeout", "wall time"),
    "import loops": ({"head": "while True: pass"}, "cpu_timeout", "CPU time"),
    "import leaves": ({"head": "import os; os._exit(0)"}, "crashed", "before its end"),
    "call hangs": ({"first": "    import time; time.sleep(99)\n"}, "wall_timeout", "clamp(5"),
    "call loops": ({"first": "    while True: pass\n"}, "cpu_timeout", "clamp(5"),
    "call leaves": ({"first": "    import os; os._exit(0)\n"}, "crashed", "no readable"),
    "call is killed": ({"first": f"    {KILL}\n"}, "crashed", "signal 9"),
    "memory": ({"first": "    bytearray(900 << 20)\n"}, "out_of_memory", "memory used up"),
    "output": (
        {"first": "    while True: print('x' * 9999)\n"}, "too_much_output", "too much output"
    ),
    "supervisor killed": (
        {"first": "    import os\n    while os.getppid() > 1: os.kill(os.getppid(), 9)\n"},
        "crashed", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OUTCOMES)
def test_an_outcome_is_told_apart_and_the_next_job_is_unaffected(case, ground, variant):
    change, outcome, detail = OUTCOMES[case]
    limits = dataclasses.replace(LIMITS, wall_s=2 if outcome == "wall_timeout" else 60)
    jobs = [variant(), variant(**change, limits=limits), variant()]
    before, found, after = ground.bench.run(jobs)
    assert found.outcome == outcome, found
    assert detail in found.detail, found
    assert [seen(before), seen(after)] == [[RIGHT], [RIGHT]]
    assert (before.outcome, after.outcome) == ("ran", "ran")
    assert (seen(found) == [RIGHT]) == (outcome == "ran")
    assert ground.fingerprint() == ground.before


def test_a_job_that_spoils_everything_does_not_reach_the_next_one(ground, variant):
    jobs = [variant(HOSTILE, "    spoil()\n"), variant(tests=[TEST]), variant()]
    found = ground.bench.run(jobs)
    assert [seen(one) for one in found[1:]] == [[RIGHT]] * 2
    assert [one.outcome for one in found[1:]] == ["ran", "ran"], found
    assert found[1].tests == {TEST: "passed"}


def test_results_come_in_the_order_of_the_jobs_whatever_they_share(ground, variant):
    jobs = [
        variant(first=f"    return {number}\n", hash_seed=number % 3,
                tests=[TEST] if number % 2 else [])
        for number in range(9)
    ]  # fmt: skip
    bench = open_bench(ground.tree, ground.target, ground.root, LIMITS)
    bench.workers = 2
    for runner in (ground.bench, bench):
        found = runner.run(jobs)
        assert [seen(one) for one in found] == [
            [{"returned": ["int", str(number)]}] for number in range(9)
        ]
        assert [bool(one.tests) for one in found] == [bool(job.tests) for job in jobs]


def test_each_job_starts_from_a_fresh_module_and_a_fresh_folder(ground, variant):
    count = (
        "    import os\n    global CALLS\n    CALLS += 1\n    open(f'/tmp/{CALLS}', 'w').close()\n"
    )
    count += "    return [CALLS, sorted(set(os.listdir('/tmp')) - {'tree'})]\n"
    jobs = [variant("CALLS = 0", count, scenarios=[SCENARIO, clamp(1, 1, 1)]) for _ in range(2)]
    for result in ground.bench.run(jobs):
        first = result.observations[SCENARIO.scenario_id]["calls"][0]["returned"]
        assert first == ["list", [["int", "1"], ["list", ["1"]]]]
        second = result.observations["clamp(1, 1, 1)"]["calls"][0]["returned"]
        assert second[1][0] == ["int", "1"], "scenarios of a job share no module state"


def test_modules_are_those_of_the_tree_and_are_named(ground, variant):
    (found,) = ground.bench.run([variant(tests=[TEST])])
    assert found.module_files["pkg.core"] == CORE
    assert found.module_files["pkg"] == "pkg/__init__.py"
    assert found.module_files["test_core"] == "tests/test_core.py"
    assert not [name for name in found.module_files if name.startswith(("assay", "pytest"))]


def test_an_installed_copy_shows_in_the_modules_paths(ground, variant):
    head = "import sys; sys.modules[__name__].__file__ = '/opt/testbed/pkg/core.py'"
    (found,) = ground.bench.run([variant(head)])
    assert "pkg.core" not in found.module_files


def test_tests_are_not_there_for_scenarios(ground, variant):
    look = "    import os\n    places = ('/tmp/tree/tests', '/code/tests')\n"
    look += "    return sorted(name for place in places for name in os.listdir(place))\n"
    without, with_tests = ground.bench.run([variant(first=look), variant(first=look, tests=[TEST])])
    assert seen(without) == [{"returned": ["list", []]}]
    assert "test_core.py" in str(seen(with_tests))


def test_no_bytecode_is_read_from_or_written_into_the_tree(ground, variant):
    look = "    import os\n    every = [n for _, d, f in os.walk('/tmp/tree') for n in d + f]\n"
    look += "    return [name for name in every if 'pyc' in name]\n"
    (found,) = ground.bench.run([variant(first=look, tests=[TEST])])
    assert seen(found) == [{"returned": ["list", []]}]
    assert not list(ground.tree.rglob("*.pyc"))


def test_only_the_wanted_tests_run_and_in_a_seeded_order(ground):
    names = [
        f"tests/test_core.py::{name}" for name in ("test_makes_a_state", "test_needs_the_state")
    ]
    jobs = [Job(tests=names, order_seed=seed, limits=LIMITS) for seed in (None, *range(6))]
    found = [one.tests for one in ground.bench.run(jobs)]
    assert found[0] == dict.fromkeys(names, "passed")
    assert {one[names[1]] for one in found} == {"passed", "failed"}
    assert found[1:] == [one.tests for one in ground.bench.run(jobs[1:])]


def test_a_missing_test_does_not_report_and_the_first_failure_may_end_a_job(ground):
    names = ["tests/test_core.py::test_fails", "tests/test_core.py::test_ratio"]
    gone = Job(tests=[*names, "tests/test_core.py::gone"], limits=LIMITS)
    all_of_them, first = ground.bench.run(
        [gone, dataclasses.replace(gone, stop_at_first_failure=True)]
    )
    assert all_of_them.tests == {names[0]: "failed", names[1]: "passed"}
    assert "tests/test_core.py::test_fails" not in first.tests or len(first.tests) <= 2
    assert "passed" not in list(first.tests.values())[list(first.tests).index(names[0]) + 1 :]


def test_a_file_outside_of_the_tree_is_refused(ground):
    for path in ("/etc/passwd", "../x", "pkg/../../x", ""):
        with pytest.raises(HarnessError, match="outside"):
            ground.bench.run([Job(files={path: ""}, scenarios=[SCENARIO])])


def test_a_root_that_can_not_run_the_target_is_named(ground, tmp_path):
    with pytest.raises(UserError, match="can't run the target") as caught:
        open_bench(ground.tree, ground.target, tmp_path)
    assert "/opt/testbed" in str(caught.value)


def test_the_level_reached_is_kept(ground):
    assert ground.bench.level == {
        "namespaces": True, "network": True, "seccomp": True, "rlimits": True,
        "cgroup": cgroups.controllers() == cgroups.CONTROLLERS,
    }  # fmt: skip
