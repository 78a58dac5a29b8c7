"""The same responses, scored again and on more workers, are the same bytes; what they are worth
and what the worker did are two things; a run near a limit is flagged beside the verdicts."""

from __future__ import annotations

import pytest

from assay.categories.base import Options
from assay.core.records import VERDICTS
from assay.core.tables import write_table
from assay.scoring.score import score
from assay.scoring.telemetry import measured

pytestmark = pytest.mark.slow
NEAR = """```python
import time

def clamp(value, low, high):
    began = time.process_time()
    while value == 7 and time.process_time() < began + 1.3:
        pass
    return low if value < low else min(value, high)
```"""
NAMES = ("must_pass_right", "01_always_equal", "03_segfault", "04_gc_reporter", "16_busy_loop",
         "08_exception_text_bomb", "20_instructions", "11_read_tests")  # fmt: skip
WORTH = {
    "must_pass_right": ("passed", "ran"), "01_always_equal": ("failed", "ran"),
    "03_segfault": ("failed", "crashed"), "04_gc_reporter": ("failed", "ran"),
    "16_busy_loop": ("failed", "cpu_timeout"), "20_instructions": ("unreadable", "not_run"),
    "08_exception_text_bomb": ("failed", "too_much_output"), "11_read_tests": ("failed", "ran"),
    "near": ("passed", "ran"), "void": ("void", "not_run"),
}  # fmt: skip


@pytest.fixture(scope="module")
def answers(attack_cases) -> dict[str, str]:
    return {**{name: attack_cases[name] for name in NAMES}, "near": NEAR, "void": "x"}


def test_scoring_twice_and_on_two_workers_gives_the_same_bytes(tiny, answers, limits, tmp_path):
    work = tiny.items(answers)
    written = []
    for number, benches in enumerate(([tiny.bench], [tiny.bench, tiny.again()])):
        scored = score(work, benches, Options(limits=limits))
        found = {one.row["task_id"]: (one.row["status"], one.row["outcome"]) for one in scored}
        assert found == WORTH
        near = measured(scored, {})["near_limit"]
        assert "near" in near
        assert "must_pass_right" not in near
        path = tmp_path / f"{number}.parquet"
        write_table(path, VERDICTS, [one.row for one in scored])
        written.append(path.read_bytes())
    assert written[0] == written[1]
