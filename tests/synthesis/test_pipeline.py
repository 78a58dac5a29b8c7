"""One shard or many, one worker or many: the same tasks; a unit gives at most one a category."""

import json
import time
from types import SimpleNamespace

import pytest

from assay.categories.base import PASSED, Candidate, Judgement, Rejection
from assay.core import registry
from assay.core.execution import RAN, Job, JobResult
from assay.core.records import KEYS, REJECTED, TASKS
from assay.core.seeds import seed
from assay.core.tables import write_table
from assay.synthesis import pipeline
from assay.synthesis.pipeline import Shard, Tables, synthesise
from assay.synthesis.rows import Output
from assay.synthesis.selection import select

SETTINGS = {
    "seed": 3,
    "tasks": {
        "categories": ["toy"], "per_category": 6, "per_file": 0, "max_units": 0,
        "candidates_per_unit": 2, "max_tokens": 9, "control_percent": 0,
        "strata": {"trivial": 50, "standard": 50},
    },
    "gates": {"repeats": 2, "oracle_sample": 3, "oracle_percent": 80}, "limits": {},
}  # fmt: skip
UNITS = [
    {"unit_id": f"f{n % 5}.py::g{n}", "kind": "function", "path": f"f{n % 5}.py", "module": "f",
     "qualname": f"g{n}"}
    for n in range(60)
]  # fmt: skip


class Bench:
    """Answers late and out of order."""

    def __init__(self):
        self.running = self.most = 0

    def read(self, path):
        return ""

    def run(self, jobs):
        self.running += 1
        self.most = max(self.most, self.running)
        time.sleep(0.001 * (len(jobs) % 3))
        self.running -= 1
        return [JobResult(RAN, module_files={p: p for p in job.files}) for job in jobs]


def propose(material):
    unit_id = material.unit["unit_id"]
    number = seed(unit_id)
    if number % 3 == 0:
        yield Rejection(f"toy:{unit_id}", "toy", unit_id, "", "eligible", "no")
        return
    for turn in range(5):
        name = f"toy:{unit_id}:{turn}"
        material.bench.run([])
        yield Candidate(
            name, "toy", unit_id, ("trivial", "standard")[number % 2], "bug", False, "op", "p",
            f"```python\ndef {unit_id.rpartition('::')[2]}():\n    return {number % 4 > turn}\n```",
            (1,), {"source": "", "deletes": False},
        )  # fmt: skip


def judge(extraction, key, bench, options):
    return Judgement(PASSED if "False" in (extraction.code or "") else "failed", RAN, "")


@pytest.fixture
def toy(monkeypatch):
    module = SimpleNamespace(FORMAT="code", propose=propose, judge=judge, null_answers=lambda _: {})
    monkeypatch.setattr(registry, "load", lambda room, name: module)


def tables():
    behaviour = [
        {"test_id": f"t{n}", "outcome": "passed" if n != 6 else "skipped", "steady": n % 7 != 0,
         "reason": "wobbles" if n % 7 == 0 else "proves nothing" if n == 9 else None,
         "units": [row["unit_id"] for row in UNITS[n:]]}
        for n in range(30)
    ]  # fmt: skip
    scenarios = [
        {"scenario_id": f"s{n}", "scenario_json": "{}", "units": [UNITS[n % 50]["unit_id"]],
         "executed": ["1"]}
        for n in range(100)
    ]  # fmt: skip
    return Tables("t", UNITS, behaviour, scenarios)


def run(shards=1, workers=1, **tasks):
    settings = {**SETTINGS, "tasks": {**SETTINGS["tasks"], **tasks}}
    made = [
        synthesise(tables(), Bench(), settings, Shard(n, shards), workers=workers)
        for n in range(shards)
    ]
    return made, select(made, settings, "t")


def written(output, folder):
    folder.mkdir()
    for name, table in (("tasks", TASKS), ("keys", KEYS), ("rejected", REJECTED)):
        write_table(folder / name, table, getattr(output, name))
    return [path.read_bytes() for path in sorted(folder.iterdir())]


@pytest.mark.parametrize(("shards", "workers"), [(1, 3), (2, 1), (3, 2), (7, 1)])
@pytest.mark.parametrize("per_category", [6, 99])
def test_shards_and_workers_leave_no_trace(toy, tmp_path, shards, workers, per_category):
    expected = written(run(per_category=per_category)[1], tmp_path / "one")
    found = written(run(shards, workers, per_category=per_category)[1], tmp_path / "many")
    assert found == expected


def test_it_stops_when_there_is_enough_and_not_before(toy):
    (made,), found = run()
    assert len(found.tasks) == 6
    looked = {row["unit_id"] for row in [*made.keys, *made.rejected]}
    assert len(looked) < len(UNITS) / 2
    (everything,), _ = run(per_category=99)
    assert len({row["unit_id"] for row in [*everything.keys, *everything.rejected]}) == len(UNITS)


def test_a_unit_gives_one_task_and_few_tries(toy):
    (made,), _ = run(per_category=99)
    units = [row["unit_id"] for row in made.keys]
    assert len(set(units)) == len(units)
    tried = [row["unit_id"] for row in made.rejected if row["gate"] == "right_answer"]
    assert max(tried.count(unit) for unit in units + tried) == 2


def test_what_is_spare_is_tried_where_nothing_else_is_proven(toy, tmp_path):
    def spare(material):
        unit_id = material.unit["unit_id"]
        text = f"```python\ndef {unit_id.rpartition('::')[2]}():\n    return False\n```"
        yield Candidate(
            f"toy:{unit_id}:spare", "toy", unit_id, "trivial", "control", True, "op", "p", text,
            (), {"source": "", "deletes": False},
        )  # fmt: skip

    (without,), _ = run(per_category=99, control_percent=20)
    registry.load("categories", "toy").spare = spare
    (made,), _ = run(per_category=99, control_percent=20)
    before = {row["unit_id"] for row in without.keys}
    assert {row["unit_id"] for row in made.keys if not row["is_control"]} == before
    assert {row["unit_id"] for row in made.keys} == {row["unit_id"] for row in UNITS}
    failed = [row for row in made.rejected if row["gate"] == "right_answer"]
    assert failed == [row for row in without.rejected if row["gate"] == "right_answer"]


def test_few_units_are_chosen_over_all_shards_together(toy):
    (one,), _ = run(per_category=99, max_units=8)
    many, _ = run(3, per_category=99, max_units=8)
    looked = {row["unit_id"] for row in [*one.keys, *one.rejected]}
    assert len(looked) == 8
    assert {row["unit_id"] for part in many for row in [*part.keys, *part.rejected]} == looked
    reached = {row["unit_id"] for row in UNITS[:50]}
    assert looked <= reached


def test_tasks_and_keys_fit_and_the_id_tells_nothing(toy):
    (made,), _ = run()
    for task, key in made.pairs():
        assert task["task_id"].startswith("t-")
        assert len(task["task_id"]) == len("t-") + 12
        assert "bug" not in task["task_id"]
        assert json.loads(key["proof_json"])["candidate"].startswith("toy:")
    assert {row["task_id"] for row in made.tasks} == {row["task_id"] for row in made.keys}


def test_material_has_usable_tests_the_most_specific_first(toy):
    index = pipeline._Index(tables(), SETTINGS, Bench())
    material = index.material(UNITS[10]["unit_id"], aim=False)
    assert material.tests[0] == "t10"
    assert not {"t6", "t7", "t9"} & set(material.tests)
    assert len(material.tests) == len(set(material.tests)) == 7
    assert [row["scenario_id"] for row in material.scenarios] in (["s10", "s60"], ["s60", "s10"])


def test_workers_wait_together_and_parse_alone(toy, monkeypatch):
    busy, worst = [], []

    def python():
        busy.append(1)
        worst.append(len(busy))
        time.sleep(0.002)
        busy.pop()

    def unit(index, category, unit_id):
        python()
        index.bench.run([Job(files={"a": ""}), Job(files={"b": ""})])
        python()
        return Output()

    monkeypatch.setattr(pipeline, "_unit", unit)
    bench = Bench()
    synthesise(tables(), bench, SETTINGS, Shard(), workers=4)
    assert bench.most > 1
    assert max(worst) == 1
