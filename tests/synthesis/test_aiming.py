"""Scenarios aimed at a unit: what tells the mutants that the recorded ones do not."""

import json
from types import SimpleNamespace

import pytest

from assay.categories.base import Material, Mutation
from assay.core.codec import decode, encode
from assay.core.execution import RAN, JobResult
from assay.core.files import canonical_json
from assay.synthesis.aiming import ENOUGH, aimed

SOURCE = "def allowed(text, most=5):\n    return len(text) <= most\n"


class FakeBench:
    """Runs scenarios in this process; a fake of the sandboxed bench for this test alone."""

    def __init__(self, unsteady=()):
        self.unsteady, self.runs = set(unsteady), 0

    def read(self, path):
        return SOURCE

    def run(self, jobs):
        return [self._result(job) for job in jobs]

    def _result(self, job):
        space = {}
        exec(job.files.get("m.py", SOURCE), space)
        seen = {
            item.scenario_id: self._observed(space["allowed"], item, job.hash_seed)
            for item in job.scenarios
        }
        self.runs += len(seen)
        return JobResult(RAN, observations=seen)

    def _observed(self, function, item, hash_seed):
        arguments = decode(item.data["calls"][0][1])
        try:
            call = {"returned": encode(function(*arguments))}
        except (TypeError, ValueError) as error:
            call = {"raised": [type(error).__name__, str(error)]}
        if hash_seed and canonical_json(item.data) in self.unsteady:
            call = {"returned": encode("another")}
        return {"calls": [call], "state": {}}


def row(number, *arguments):
    data = {"entry": "m:allowed", "init": None, "observe": [],
            "calls": [["", encode(list(arguments)), encode({})]]}  # fmt: skip
    item = SimpleNamespace(data=data, scenario_id=f"s{number}")
    space = {}
    exec(SOURCE, space)
    return {
        "scenario_id": f"s{number}", "origin": "t.py::t", "mutator": "recorded",
        "units": ["m.py::allowed"], "executed": ["1-2"], "scenario_json": canonical_json(data),
        "observation_json": canonical_json(FakeBench()._observed(space["allowed"], item, 0)),
    }  # fmt: skip


def mutant(name, old, new):
    return Mutation(name, SOURCE.replace(old, new), (2,), False, f"2:{old}→{new}", name)


def material(bench, *mutants):
    rows = tuple(row(n, *given) for n, given in enumerate([("ab",), ("abcdefgh",), ("abc", 9)]))
    unit = {"unit_id": "m.py::allowed", "path": "m.py", "source": SOURCE, "start_line": 1,
            "end_line": 2}  # fmt: skip
    return Material(
        "t", unit, {}, (), rows, lambda _: list(mutants), bench, 7,
        {"limits": {}, "tasks": {"aimed": 320}, "gates": {"oracle_sample": 12}},
    )  # fmt: skip


@pytest.fixture
def boundary():
    return mutant("comparisons", "<=", "<")


def test_a_boundary_that_no_recorded_use_stands_on_is_found(boundary):
    found = aimed(material(FakeBench(), boundary))
    assert 1 <= len(found) <= ENOUGH
    for made in found:
        text, *rest = decode(json.loads(made["scenario_json"])["calls"][0][1])
        assert len(text) == (rest or [5])[0]
        assert json.loads(made["observation_json"])["calls"][0]["returned"] is True
        assert made["units"] == ["m.py::allowed"]
    assert aimed(material(FakeBench(), boundary)) == found


def test_what_the_recorded_uses_tell_needs_no_more():
    bench = FakeBench()
    assert aimed(material(bench, mutant("negation", "len(text) <= most", "None"))) == []
    assert bench.runs == 3


def test_what_wobbles_under_another_hash_seed_is_dropped(boundary):
    found = aimed(material(FakeBench(), boundary))
    unsteady = [made["scenario_json"] for made in found]
    again = aimed(material(FakeBench(unsteady), boundary))
    assert not {made["scenario_json"] for made in again} & set(unsteady)


def test_an_exception_of_pythons_own_is_no_question():
    loud = mutant("arguments", "len(text)", "len(text or ())")  # differs where len(None) raises
    assert aimed(material(FakeBench(), loud)) == []


def test_a_mutant_beyond_the_sample_is_not_aimed_at(boundary):
    told = [mutant(f"negation{n}", "len(text) <= most", "None") for n in range(12)]
    assert aimed(material(FakeBench(), *told, boundary)) == []
    assert aimed(material(FakeBench(), *told[1:], boundary))
