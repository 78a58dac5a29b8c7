"""Which of a unit's scenarios are looked at."""

import json

from assay.categories._pool import cases


def row(number, way, units):
    return {
        "scenario_id": f"s{number:02}", "scenario_json": json.dumps({"n": number}), "way": way,
        "observation_json": "{}", "units": [f"u{n}" for n in range(units)],
    }  # fmt: skip


def test_each_way_through_the_unit_is_looked_at_before_any_is_looked_at_twice():
    rows = [row(n, "1-3", 1) for n in range(30)]
    rows += [row(30, "1,9", 8), row(31, "1-3,7", 7), row(32, "1,9", 6)]
    found = [case.scenario_id for case in cases(rows, 6)]
    assert found[:3] == ["s31", "s32", "s00"]  # of two on one way, what executes less besides
    assert cases(rows, 6)[0].way == "1-3,7"


def test_scenarios_that_are_equal_count_once():
    twice = [row(1, "1", 1), {**row(1, "1", 1), "scenario_id": "other"}]
    assert [case.scenario_id for case in cases(twice, 6)] == ["s01"]
