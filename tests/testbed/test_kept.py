"""Kept sandboxes show what sandboxes of a job's own show, one job after the other."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from assay.core.codec import encode
from assay.core.execution import CRASHED, FORGED, RAN, Job, Limits, Scenario

pytestmark = pytest.mark.slow
LIMITS = Limits(cpu_s=2, wall_s=30, memory_mb=768, output_mb=1, processes=32)
CORE = "pkg/core.py"
TESTS = ("tests/test_core.py::test_clamp[-1]", "tests/test_core.py::test_box")
CLAMP = Scenario("clamp", {
    "entry": "pkg.core:clamp", "init": None, "observe": [],
    "calls": [["", encode([0, 1, 3]), encode({})]],
})  # fmt: skip

CLAMP_AGAIN = replace(CLAMP, scenario_id="again")


@pytest.fixture(scope="module")
def kept(ground):
    bench = copy.copy(ground.bench)
    bench.keeps = True
    return bench


def job(bench, old, new, **given):
    text = bench.read(CORE)
    assert old in text
    return Job(files={CORE: text.replace(old, new, 1)}, limits=LIMITS, warm=False, **given)


def plain(results):
    return [replace(result, cpu_us=0, detail="") for result in results]


def servers(bench):
    return [one.live for idle in bench.kept.pool.idle.values() for one in idle]


def test_what_a_kept_sandbox_shows_is_what_a_fresh_one_shows(ground, kept):
    changes = [("return low", "return high"), ("made = 0", "made = 1"), ("def unused", "def (")]
    jobs = [job(kept, *one, scenarios=[CLAMP]) for one in changes]
    jobs += [job(kept, *one, tests=TESTS) for one in changes]
    fresh = plain([*ground.bench.run(jobs)])
    assert plain([kept.run([one])[0] for one in jobs]) == fresh
    assert {one.outcome for one in fresh} == {RAN, CRASHED}
    used = servers(kept)
    assert plain(kept.run(jobs)) == fresh
    assert servers(kept) == used
    assert len(used) == 2


@pytest.mark.parametrize(
    ("new", "outcome"), [("made = 1", RAN), ("made = __import__('os')._exit", CRASHED)]
)
def test_scenarios_that_no_warm_server_takes_share_a_process(ground, kept, new, outcome):
    leaving = replace(CLAMP, scenario_id="leaves", data={
        **CLAMP.data, "entry": "pkg.core:Box.made", "calls": [["", encode([3]), encode({})]],
    })  # fmt: skip
    given = [CLAMP, leaving] if outcome == CRASHED else [CLAMP, CLAMP_AGAIN]
    changed = job(kept, "made = 0", new, scenarios=given)
    warm = kept.run([replace(changed, warm=True)])
    assert plain(warm) == plain(ground.bench.run([changed]))
    assert warm[0].outcome == outcome
    data = {**CLAMP.data, "entry": "pkg.core:tally", "calls": [["", encode(["a"]), encode({})]]}
    twice = [Scenario(name, data) for name in ("first", "second")]
    seen = kept.run([replace(changed, warm=True, scenarios=twice)])[0].observations
    assert [seen[name]["calls"][0]["returned"] for name in ("first", "second")] == [
        encode(1),
        encode(2),
    ]


def test_each_job_imports_the_target_anew_and_finds_nothing_of_the_one_before(kept):
    leave = "import asyncio, os, sys\nopen('/tmp/left', 'w').close()\nsys.left = 1\n"
    look = (
        "import asyncio, os, sys\nif os.path.exists('/tmp/left') or hasattr(sys, 'left'):\n"
        "    raise RuntimeError('left')\n"
    )
    for text in (leave, look):
        result = kept.run([job(kept, "import asyncio\n", text, tests=TESTS)])[0]
        assert set(result.tests.values()) == {"passed"}


def test_a_pass_that_proves_nothing_is_told_there_too(ground, kept):
    made = "tests/test_core.py::test_of_no_function"
    for bench in (ground.bench, kept):
        result = bench.run([job(bench, "made = 0", "made = 1", tests=(*TESTS, made))])[0]
        assert result.tests == {**dict.fromkeys(TESTS, "passed"), made: FORGED}


def test_a_sandbox_that_dies_is_replaced(ground, kept):
    kept.run([job(kept, "made = 0", "made = 1", scenarios=[CLAMP])])
    for live in servers(kept):
        live.process.kill()
    again = [job(kept, "return low", "return high", scenarios=[CLAMP])]
    assert plain(kept.run(again)) == plain(ground.bench.run(again))


def test_only_kept_sandboxes_see_the_target_compiled(ground, kept):
    kept.run([job(kept, "return low", "return high", scenarios=[CLAMP])])
    ground.bench.run([job(kept, "return low", "return high", scenarios=[CLAMP])])
    session = ground.bench.session
    assert list(session.compiled.rglob("tmp/tree/pkg/core.*.pyc"))
    assert list(session.compiled.rglob("tmp/tree/tests/test_core.*.pyc"))
    assert not list(session.compiled.rglob("tmp/tree/pkg/odd.*.pyc"))
    assert list(session.bytecode.rglob("assay/testbed/inside/scenarios.*.pyc"))
    assert not list(session.bytecode.rglob("tmp/tree"))
    shown = {bind[1]: bind[0] for bind in session.view(0, with_tests=True).binds}
    assert shown["/bytecode"] == session.bytecode
