"""Each edge mutator on one value, and where in a scenario's arguments they apply."""

from __future__ import annotations

import pytest

from assay.core.codec import decode, encode
from assay.testbed.mutators import ADDED_KEY, MUTATORS, Site, mutated, sites

DATA = {
    "entry": "p:f", "init": [encode([{"a": {"min": 1}}]), encode({"strict": True})],
    "calls": [["go", encode(["text", [1.5, (2,)]]), encode({})]], "observe": [],
}  # fmt: skip
CHANGES = [
    ("none", "x", [None]), ("false", True, [False]), ("false", False, [True]), ("zero", "x", [0]),
    ("empty_text", 1, [""]), ("empty_list", 1, [[]]), ("empty_dict", 1, [{}]),
    ("wrong_type", 1, ["text"]), ("wrong_type", 1.5, ["text"]), ("wrong_type", "x", [7]),
    ("wrong_type", [], [7]), ("wrong_type", None, [7]),
    ("key_removed", {"a": 1, "b": 2}, [{"b": 2}, {"a": 1}]), ("key_removed", [1], []),
    ("key_added", {"a": 1}, [{"a": 1, ADDED_KEY: "text"}]), ("key_added", {ADDED_KEY: 1}, []),
    ("key_added", "x", []),
    ("one_more", 1, [2]), ("one_more", -1.5, [-0.5]), ("one_more", "ab", ["abx"]),
    ("one_more", [1], [[1, 1]]), ("one_more", (1, 2), [(1, 2, 2)]), ("one_more", [], []),
    ("one_less", 0, [-1]), ("one_less", "ab", ["a"]), ("one_less", [1, 2], [[1]]),
    ("one_more", True, []), ("one_more", None, []), ("one_more", b"a", [b"ax"]),
    ("one_less", b"ab", [b"a"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "before", "after"), CHANGES)
def test_a_mutator_makes_these_values(name, before, after):
    made = [decode(node) for node in MUTATORS[name](encode(before))]
    assert [(type(value), value) for value in made] == [(type(value), value) for value in after]


def test_every_mutator_has_a_case_and_a_description():
    assert {name for name, _, _ in CHANGES} == set(MUTATORS)
    assert all(function.__doc__ for function in MUTATORS.values())


def test_every_value_in_the_arguments_is_a_place_and_a_change_changes_it_alone():
    found = sites(DATA)
    changed = [decode(mutated(DATA, site)["init"][0]) for site in found if site.place[0] == "init"]
    for expected in ([None], [{"a": None}], [{"a": {"min": 2}}], [{}], [{"a": {}}]):
        assert expected in changed
    calls = [decode(mutated(DATA, site)["calls"][0][1]) for site in found
             if site.place[0] == "calls"]  # fmt: skip
    for expected in ([None, [1.5, (2,)]], ["text", [2.5, (2,)]], ["text", [1.5, ()]]):
        assert expected in calls
    assert {"strict": False} in [decode(mutated(DATA, site)["init"][1]) for site in found]
    assert decode(DATA["init"][0]) == [{"a": {"min": 1}}], "the original stays as it is"


def test_no_site_leaves_the_scenario_as_it_is_and_names_are_unique():
    found = sites(DATA)
    assert all(mutated(DATA, site) != DATA for site in found)
    assert len({site.name for site in found}) == len(found)


def test_nesting_wraps_the_first_arguments_by_the_target_s_own_form():
    data = {**DATA, "calls": [["go", encode([{"a": 1}]), encode({})]]}
    nest = {"init": encode({"outer": {"schema": "$"}}), "call": encode({"outer": "$"})}
    (site,) = [one for one in sites(data, nest) if one.mutator == "nested"]
    made = mutated(data, site)
    assert decode(made["init"][0]) == [{"outer": {"schema": {"a": {"min": 1}}}}]
    assert decode(made["calls"][0][1]) == [{"outer": {"a": 1}}]
    assert not [one for one in sites(DATA, nest) if one.mutator == "nested"], "a text can't nest"
    assert mutated(DATA, Site("nested", (), 0, nest)) == DATA


def test_a_very_deep_value_is_changed_down_to_a_depth():
    value = 1
    for _ in range(20):
        value = [value]
    data = {**DATA, "init": None, "calls": [["", encode([value]), encode({})]]}
    assert max(len(site.place) for site in sites(data)) < 20


def test_a_number_becomes_each_other_number_and_length_of_its_scenario():
    arguments = encode([{"most": 10}, "four", [1, 2]])
    data = {**DATA, "init": None, "calls": [["go", arguments, encode({})]]}
    changed = [
        decode(mutated(data, site)["calls"][0][1])
        for site in sites(data) if site.mutator == "matched"
    ]  # fmt: skip
    assert [{"most": 4}, "four", [1, 2]] in changed
    assert [{"most": 10}, "four", [1, 10]] in changed
    assert [{"most": 10}, "four", [1, 2]] not in changed
