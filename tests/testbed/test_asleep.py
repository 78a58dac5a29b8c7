"""A job that waits for ever ends soon; one that still wakes up keeps its wall time."""

from __future__ import annotations

import time

import pytest

from assay.core.codec import encode
from assay.core.execution import Job, Limits, Scenario

pytestmark = pytest.mark.slow
LIMITS = Limits(cpu_s=5, wall_s=60, asleep_s=2, memory_mb=768, output_mb=1, processes=32)
CORE = "pkg/core.py"
BODY = "    if value < low:\n        return low\n"
TEST = "tests/test_core.py::test_clamp[0]"
SCENARIO = Scenario("one", {
    "entry": "pkg.core:clamp", "init": None, "observe": [],
    "calls": [["", encode([5, 1, 3]), encode({})]],
})  # fmt: skip
WAITS = {
    "sleep": "    import time; time.sleep(50)\n",
    "lock": "    import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()\n",
    "coroutine": "    asyncio.run(asyncio.Event().wait())\n",
    "child": "    import subprocess; subprocess.run(['/bin/sleep', '50'])\n",
    "stopped": "    import os; os.kill(os.getpid(), 19)\n",
}  # fmt: skip
AWAKE = {
    "naps": "    import time\n    for _ in range(6): time.sleep(0.5)\n",
    "a child naps": "    import subprocess\n"
    "    subprocess.run('for n in 1 2 3; do sleep 1; done', shell=True)\n",
    "a thread naps": "    import threading, time\n    t = threading.Thread(target=lambda:"
    " [time.sleep(0.5) for _ in range(6)])\n    t.start(); t.join()\n",
    "short": "    import time; time.sleep(1)\n",
}  # fmt: skip


@pytest.fixture
def run(ground):
    """Return a function that runs clamp with a first line, and the seconds that it took."""
    text = (ground.tree / CORE).read_text()

    def ran(first: str, **given):
        given = {"scenarios": [SCENARIO], **given}
        job = Job(files={CORE: text.replace(BODY, first + BODY)}, limits=LIMITS, **given)
        began = time.monotonic()
        return ground.bench.run([job])[0], time.monotonic() - began

    return ran


@pytest.mark.parametrize(("case", "warm"), [*((name, False) for name in WAITS), ("lock", True)])
def test_a_scenario_that_waits_for_ever_ends_soon(case, warm, run):
    result, took = run(WAITS[case], warm=warm)
    assert result.outcome == "wall_timeout", result
    assert took < 30, "it was left until its wall time was used up"


@pytest.mark.parametrize("warm", [False, True])
def test_a_test_that_waits_for_ever_ends_soon(warm, run):
    result, took = run(WAITS["lock"], scenarios=(), tests=(TEST,), warm=warm)
    assert result.outcome == "wall_timeout", result
    assert took < 30, "it was left until its wall time was used up"


@pytest.mark.parametrize("case", AWAKE)
def test_a_scenario_that_wakes_up_now_and_then_is_let_be(case, run):
    result, _ = run(AWAKE[case])
    assert result.outcome == "ran", result
    assert result.observations["one"]["calls"] == [{"returned": ["int", "3"]}]
