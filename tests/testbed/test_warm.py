"""Warm servers show what fresh processes show, and leave alone what they can't serve."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assay.core.codec import encode
from assay.core.execution import Job, Limits, Scenario

pytestmark = pytest.mark.slow
LIMITS = Limits(cpu_s=2, wall_s=30, memory_mb=768, output_mb=1, processes=32)
CORE = "pkg/core.py"
TESTS = tuple(f"tests/test_core.py::test_clamp[{value}]" for value in (-1, 0, 12))
CHANGES = {
    "a return": ("return low", "return high"),
    "a bug in a class": ("self.free < 1", "self.free < 0"),
    "a property": ("self.size - len(self.things)", "self.size + len(self.things)"),
    "a class method": ("cls(len(things)).size", "cls(1 + len(things)).size"),
    "a coroutine": ("clamp(value, 0, 9)", "clamp(value, 1, 8)"),
    "a generator": ("number += 1", "number += 2"),
    "more lines": ("    if value < low:", "    value += 0\n    if value < low:"),
    "an exception": ('f"full: {thing}"', 'f"no room: {thing}"'),
}  # fmt: skip
COLD = {
    "a class attribute": ("made = 0", "made = 1"),
    "a default": ("number=1", "number=2"),
    "a decorator": ("    @classmethod\n    def of(cls", "    @staticmethod\n    def of(cls"),
    "a module's statement": ("import asyncio\n", "import asyncio\nclamped = 1\n"),
    "another name": ("def unused", "def unusual"),
    "no Python": ("def unused", "def unused("),
}


def use(entry, *calls, init=None, observe=()):
    data = {
        "entry": f"pkg.core:{entry}", "observe": list(observe),
        "init": None if init is None else [encode(list(init)), encode({})],
        "calls": [[name, encode(list(given)), encode({})] for name, *given in calls],
    }  # fmt: skip
    return Scenario(f"{entry} {calls}", data)


SCENARIOS = (
    use("clamp", ("", 5, 1, 3)), use("clamp", ("", 1, 1, 3)), use("clamp", ("", 0, 1, 3)),
    use("Box", ("put", "a", "b"), ("take",), init=[2], observe=["things", "free"]),
    use("Box", ("put", "a", "b"), init=[1], observe=["things"]), use("Box.of", ("", [1, 2])),
    use("later", ("", 12)), use("count", ("", 3)),
)  # fmt: skip


@pytest.fixture
def told(ground, monkeypatch):
    """Run jobs warm; return results and how many of them a warm server served."""

    def run(*jobs):
        served = []
        original = ground.bench.warm.run

        def spied(given, **more):
            found = original(given, **more)
            served.extend(found)
            return found

        monkeypatch.setattr(ground.bench.warm, "run", spied)
        results = ground.bench.run([replace(job, warm=True) for job in jobs])
        monkeypatch.setattr(ground.bench.warm, "run", original)
        return results, sum(report is not None for report in served)

    return run


def changed(ground, old, new, **given):
    text = (ground.tree / CORE).read_text()
    assert old in text
    return Job(files={CORE: text.replace(old, new)}, limits=LIMITS, **given)


@pytest.mark.parametrize("name", CHANGES)
def test_a_swapped_function_does_what_a_fresh_import_does(ground, told, name):
    jobs = [
        changed(ground, *CHANGES[name], scenarios=SCENARIOS),
        changed(ground, *CHANGES[name], tests=TESTS),
    ]
    fresh = ground.bench.run(jobs)
    warm, served = told(*jobs)
    assert served == 2
    for one, other in zip(fresh, warm, strict=True):
        assert (one.outcome, one.observations, one.tests) == (
            other.outcome, other.observations, other.tests,
        )  # fmt: skip
        assert other.module_files["pkg.core"] == CORE
    unchanged = ground.bench.run([Job(scenarios=SCENARIOS, limits=LIMITS)])[0]
    assert fresh[0].observations != unchanged.observations or name == "more lines"


@pytest.mark.parametrize("name", COLD)
def test_what_needs_a_new_import_gets_one(ground, told, name):
    job = changed(ground, *COLD[name], scenarios=SCENARIOS)
    results, served = told(job)
    assert served == 0
    fresh = ground.bench.run([job])[0]
    assert (results[0].outcome, results[0].observations) == (fresh.outcome, fresh.observations)


def test_a_function_that_runs_at_import_is_imported_anew(grown):
    bench = grown({"pkg/__init__.py": "", "tests/test_x.py": "import pkg.core\n",
                   CORE: "def made():\n    return 1\n\n\nVALUE = made()\n\n\ndef tell():\n"
                         "    return VALUE\n"})  # fmt: skip
    text = bench.read(CORE).replace("return 1", "return 2")
    job = Job(files={CORE: text}, scenarios=[use("tell", ("",))], warm=True, limits=LIMITS)
    seen = next(iter(bench.run([job])[0].observations.values()))
    assert seen["calls"] == [{"returned": ["int", "2"]}]


def test_a_function_that_an_application_calls_at_its_import_is_exchanged_before_that(grown):
    bench = grown({
        "pkg/__init__.py": "from pkg import core\n", "tests/test_x.py": "import pkg.core\n",
        CORE: "def made():\n    return 1\n\n\ndef tell(value):\n    return value[0], made()\n",
        "apps/one.py": "from pkg.core import made\n\nVALUE = [made()]\n",
    })  # fmt: skip
    arguments = ["list", [["name", "apps.one:VALUE"]]]
    data = {"entry": "pkg.core:tell", "init": None, "observe": [],
            "calls": [["", arguments, encode({})]]}  # fmt: skip
    kept = []
    original = bench.warm.run
    bench.warm.run = lambda jobs, **more: kept.append(original(jobs, **more)) or kept[-1]
    for value in (2, 3, 2):
        text = bench.read(CORE).replace("return 1", f"return {value}")
        job = Job(files={CORE: text}, scenarios=[Scenario("s", data)], limits=LIMITS)
        fresh, warm = bench.run([job])[0], bench.run([replace(job, warm=True)])[0]
        assert fresh.observations == warm.observations
        seen = fresh.observations["s"]["calls"][0]["returned"]
        assert seen == ["tuple", [["int", str(value)], ["int", str(value)]]]
    assert [report is not None for reports in kept for report in reports] == [True] * 3


def test_jobs_leave_nothing_to_each_other(ground, told):
    litter = 'open("/tmp/tree/pkg/core.py", "a").write("x" * 9); open("/tmp/left", "w").close()'
    spoil = changed(ground, "    if value < low:", f"    {litter}\n    if value < low:",
                    scenarios=SCENARIOS[:1])  # fmt: skip
    state = changed(ground, "    if value < low:",
                    "    Box.made += 1\n    if Box.made > 1 or value < low:",
                    scenarios=SCENARIOS[:1])  # fmt: skip
    plain = Job(scenarios=SCENARIOS, limits=LIMITS)
    fresh = ground.bench.run([plain, state])
    warm, _ = told(plain, spoil, state, state, plain)
    assert [warm[index].observations for index in (0, 4)] == [fresh[0].observations] * 2
    assert [warm[index].observations for index in (2, 3)] == [fresh[1].observations] * 2
    assert ground.fingerprint() == ground.before


def test_a_job_that_kills_or_hangs_its_server_is_told_apart(ground, told):
    start = "    if value < low:"
    kill = changed(ground, start, f"    import os; os.kill(os.getppid(), 9)\n{start}",
                   scenarios=SCENARIOS[:1])  # fmt: skip
    loop = changed(ground, "    if value < low:", "    while True: pass\n    if 1:",
                   scenarios=SCENARIOS[:1])  # fmt: skip
    plain = Job(scenarios=SCENARIOS, limits=LIMITS)
    results, _ = told(kill, plain, loop, plain)
    fresh = ground.bench.run([kill, loop, plain])
    assert [one.outcome for one in results] == [
        fresh[0].outcome, "ran", "cpu_timeout", "ran",
    ]  # fmt: skip
    assert fresh[1].outcome == "cpu_timeout"
    assert results[1].observations == results[3].observations == fresh[2].observations


def test_a_stop_at_the_first_failure_reports_what_ran(ground, told):
    job = changed(ground, "return high", "return high + 1", tests=TESTS, stop_at_first_failure=True)
    results, served = told(job)
    assert served == 1
    assert results[0].tests == ground.bench.run([job])[0].tests
    assert "failed" in results[0].tests.values()


def test_a_server_serves_the_next_call_too(ground, told):
    job = changed(ground, *CHANGES["a return"], scenarios=SCENARIOS)
    told(job)
    pids = {server.live.process.pid for server in ground.bench.warm.pool.idle[0, False]}
    told(job)
    assert {server.live.process.pid for server in ground.bench.warm.pool.idle[0, False]} == pids
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)
