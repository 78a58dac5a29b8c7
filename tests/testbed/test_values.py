"""Objects of a target among a scenario's arguments: recorded, made anew, shown, mutated."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest

from assay.categories import _describe
from assay.core import codec
from assay.testbed.behaviour import record_behaviour
from assay.testbed.inside.observe import Execution
from assay.testbed.inside.values import Values
from assay.testbed.mutators import mutated, sites
from assay.testbed.uses import is_use

HALF = ["new", ["fractions:Fraction", ["list", [["int", "1"], ["int", "2"]]], ["dict", []]]]
FLOOR = ["name", "math:floor"]


@pytest.mark.parametrize(
    "value",
    [
        Decimal("1.50"), UUID(int=7), dt.date(2020, 2, 29), dt.time(1, 2, 3),
        dt.datetime(2020, 1, 2, 3, 4, tzinfo=dt.UTC), dt.datetime.fromisoformat("2020-01-02"),
        dt.timedelta(days=-1, microseconds=5),
    ],
)  # fmt: skip
def test_exact_values_of_the_standard_library_come_back(value):
    back = codec.decode(json.loads(json.dumps(codec.encode(value))))
    assert (type(back), repr(back)) == (type(value), repr(value))


def test_a_moment_in_another_zone_is_no_literal():
    zone = dt.timezone(dt.timedelta(hours=1))
    with pytest.raises(codec.NotEncodableError):
        codec.encode(dt.datetime(2020, 1, 1, tzinfo=zone))


def test_names_and_makings_are_malformed_where_nobody_builds_them():
    for encoded in (HALF, FLOOR):
        with pytest.raises(codec.NotEncodableError):
            codec.decode(encoded)


def test_an_object_is_made_and_known_again_by_identity_only():
    values = Values()
    made = values.decode(["list", [HALF, FLOOR]])
    assert made[0] == Fraction(1, 2)
    assert values.described(made) == ["list", [HALF, FLOOR]]
    assert values.described(Fraction(1, 2)) == {"opaque": "fractions.Fraction"}


def test_only_what_is_an_encoding_counts_as_a_name():
    looks_alike = codec.encode({"name": "math:floor", "new": ["fractions:Fraction", 1, 2]})
    assert codec.names(looks_alike) == set()
    assert codec.names(["new", ["a:b", ["list", [FLOOR]], ["dict", []]]]) == {"a:b", "math:floor"}
    assert codec.names(["dict", [["name", HALF], ["x", FLOOR]]]) == {
        "fractions:Fraction", "math:floor",
    }  # fmt: skip


def scenario(argument):
    arguments = ["list", [argument]]
    data = {"entry": "builtins:str", "init": None, "observe": []}
    return {**data, "calls": [["", arguments, ["dict", []]]]}


def test_a_scenario_runs_with_the_object():
    execution = Execution(scenario(HALF))
    execution.run()
    seen = execution.observation()
    assert seen["calls"] == [{"returned": "1/2"}]
    assert seen["arguments"][1] == ["list", [["list", [HALF]], ["dict", []]]]


def test_a_scenario_is_shown_as_python_that_runs():
    data = scenario(["list", [HALF, FLOOR, codec.encode(Decimal("1.5"))]])
    text = _describe.scenario(data)
    assert text == ">>> str([Fraction(1, 2), floor, Decimal('1.5')])"
    names = {}
    exec("\n".join(_describe.imports([data])), names)
    assert eval(text.removeprefix(">>> "), names).startswith("[Fraction(1, 2), <built-in")


def test_the_arguments_that_an_object_is_made_with_are_mutated():
    data = scenario(HALF)
    texts = {_describe.scenario(mutated(data, site)) for site in sites(data)}
    assert ">>> str(Fraction(1, 3))" in texts
    assert ">>> str(Fraction(0, 2))" in texts


def test_a_returned_object_is_described_by_the_attributes_asked_for():
    data = {**scenario("1/2"), "entry": "fractions:Fraction", "returned": ["numerator", "missing"]}
    execution = Execution(data)
    execution.run()
    seen = execution.observation()
    assert seen["calls"] == [
        {"returned": ["object", ["fractions.Fraction", ["dict", [["numerator", ["int", "1"]]]]]]}
    ]
    assert _describe.scenario(data, seen).endswith("<Fraction numerator=1>")
    again = Execution({**data, "returned": ["missing"]})
    again.run()
    assert again.observation()["calls"] == [{"returned": {"opaque": "fractions.Fraction"}}]


@pytest.mark.parametrize(
    ("argument", "sound"),
    [
        (HALF, True), (FLOOR, True), (["list", [HALF]], True),
        (["name", "no name"], False), (["name", ["math:floor"]], False), (["new", "a:b"], False),
        (["new", ["a:b", ["list", []]]], False), (["new", ["a:b", ["dict", []], HALF]], False),
        (["new", ["a:b; import os", ["list", []], ["dict", []]]], False),
    ],
)  # fmt: skip
def test_what_is_reported_is_checked_without_making_an_object(argument, sound):
    assert is_use({"data": scenario(argument), "origin": "tests/test_a.py::test_b"}) is sound


PACKAGE = """
class Rule:
    def __init__(self, least): self.least = least
    def ok(self, value): return value >= self.least

class Check:
    def __init__(self, rule): self.rule = rule
    def all(self, values): return [self.rule.ok(value) for value in values]
    def each(self, values): yield from self.all(values)

def rule_of(text): return Rule(len(text))
"""
TESTS = """
from thing import Check, Rule, rule_of
SHARED = Check(Rule(5))

from thing.apps import one
class Own(Rule): ...
APP = Own(6)
EARLY = Check(APP)  # when the test module's values get their names, this is made already
def test_early(): assert EARLY.all([6]) == [True]
def test_by_name(): assert Check(one.app).all([2]) == [True]
def test_shared(): assert SHARED.all([4, 5]) == [False, True]
def test_made(): assert Check(rule_of("abc")).all([3]) == [True]
def test_own():
    class Mine(Rule): ...
    assert Check(Mine(1)).all([3]) == [True]
def test_each(): assert list(Check(Rule(9)).each([9])) == [True]
"""


@pytest.mark.slow
def test_uses_are_recorded_with_the_objects_that_tests_made(tmp_path, testbed_root):
    (tmp_path / "thing").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "thing/__init__.py").write_text(PACKAGE)
    (tmp_path / "tests/__init__.py").write_text("")
    (tmp_path / "tests/test_thing.py").write_text(TESTS)
    apps = tmp_path / "thing/apps"
    apps.mkdir()
    (apps / "__init__.py").write_text("")
    (apps / "one.py").write_text("from thing import Rule\nclass Own(Rule): ...\napp = Own(2)\n")
    (apps / "broken.py").write_text("raise ValueError('an example of what goes wrong')\n")
    lines = PACKAGE.splitlines()
    units = [
        {
            "path": "thing/__init__.py", "start_line": number, "unit_id": line.strip(),
            "kind": "method",
        }
        for number, line in enumerate(lines, 1) if "def " in line
    ]  # fmt: skip
    check = {"entry": "thing:Check", "methods": ["all", "each"], "instead": {"each": ["all"]}}
    target = {
        "scan": ["thing"], "tests": {"paths": ["tests/test_thing.py"]},
        "values": ["thing:*", "thing.apps.*:app", "tests.test_th*:APP"],
        "entry_points": [check],
    }  # fmt: skip
    settings = {"target": target, "behaviour": {"repeats": 2, "max_scenarios": 60}}
    made = record_behaviour(tmp_path, units, "thing", settings, root=testbed_root)
    shown = {
        _describe.scenario(json.loads(row["scenario_json"])) for row in made.scenarios
        if row["mutator"] == "recorded"
    }  # fmt: skip
    assert shown == {
        ">>> check = Check(Rule(5))\n>>> check.all([4, 5])",
        ">>> check = Check(rule_of('abc'))\n>>> check.all([3])",
        ">>> check = Check(app)\n>>> check.all([2])",
        ">>> check = Check(APP)\n>>> check.all([6])",
        ">>> check = Check(Rule(9))\n>>> check.all([9])",
    }
    of_all = {
        dict(zip(row["units"], row["executed"], strict=True)).get(
            "def all(self, values): return [self.rule.ok(value) for value in values]"
        )
        for row in made.scenarios
    }
    assert of_all == {"0"}  # its only line, counted from its first one
