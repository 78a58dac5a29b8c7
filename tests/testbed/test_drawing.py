"""Which scenarios of a target are kept when there are too many."""

from dataclasses import replace

from assay.testbed.candidates import RECORDED, candidate
from assay.testbed.drawing import balanced


def one(number, executed, mutator="zero"):
    return replace(candidate({"n": number}, "", mutator), executed=executed)


def drawn(candidates, most):
    return {item.scenario.data["n"] for item in balanced(candidates, most, 3)}


def test_a_rare_way_through_a_unit_is_kept():
    usual = [one(n, {"u": "1-4"}) for n in range(50)]
    rare = one(50, {"u": "1,7"})
    for most in (2, 5):
        assert 50 in drawn([*usual, rare], most)
        assert len(drawn([*usual, rare], most)) == most


def test_of_one_way_what_was_recorded_is_kept_first():
    usual = [one(n, {"u": "1-4"}) for n in range(20)]
    assert 20 in drawn([*usual, one(20, {"u": "1-4"}, RECORDED)], 1)


def test_each_unit_gets_its_share():
    many = [one(n, {"u": "1"}) for n in range(40)]
    few = [one(n, {"v": "1"}) for n in (40, 41)]
    assert {40, 41} <= drawn([*many, *few], 4)
