"""Comparisons that look for lies: how they are put into tests, and whom they expose."""

from __future__ import annotations

import ast
from dataclasses import replace

import pytest

from assay.core.execution import Job, Limits
from assay.testbed.equalities import MODULE, checked
from assay.testbed.inside import equality

TEXTS = {
    "a == b": "Q.equal(a , b)",
    "(a) != (b), 'x'": "Q.unequal((a) , (b)), 'x'",
    "a not in b": "Q.outside(a ,  b)",
    "a in b if c else d": "Q.within(a , b) if c else d",
    "(a\n  # == is a sign\n  == (b\n))": "(Q.equal(a\n  # == is a sign\n  , (b\n)))",
    "(x == y) == 'é==ü'": "Q.equal((Q.equal(x , y)) , 'é==ü')",
    "'é' == x and \\\n a[0]==-1": "Q.equal('é' , x) and \\\n Q.equal(a[0],-1)",
    "f'{a == b}' == c": "Q.equal(f'{a == b}' , c)",
    "(y := f()) == [i for i in z if i == 3]":
        "Q.equal((y := f()) , [i for i in z if Q.equal(i , 3)])",
    "a == b == c": "a == b == c",
    "a is b < c": "a is b < c",
    "x.assertEqual((a), *b) in [c == d]":
        "Q.within(Q.asserting(x.assertEqual)((a), *b) , [Q.equal(c , d)])",
    "x.assertTrue(a == b)": "x.assertTrue(Q.equal(a , b))",
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_comparison_becomes_a_call_on_the_same_lines(text):
    made = checked(f"assert {text}")
    ast.parse(made)
    assert made.replace(MODULE, "Q") == f"assert {TEXTS[text]}"


def test_what_is_no_python_stays_as_it_is():
    assert checked("assert a ==\n") == "assert a ==\n"
    assert checked("a\0 == b") == "a\0 == b"


class Yes(int):
    """Equals everything, and can be ordered and hashed as the number that it is."""

    __hash__ = int.__hash__

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False


class Alike(Yes):
    """Equals every whole number, and nothing else."""

    __hash__ = int.__hash__

    def __eq__(self, other):
        return type(other) in (int, Alike)


class Shy(Yes):
    """Equals everything that can be looked into, and raises at the rest."""

    __hash__ = int.__hash__

    def __eq__(self, other):
        return bool(other.real) or True


class Pair:
    """As values of a target are: equal where its parts are."""

    def __init__(self, *parts):
        self.parts = parts

    def __eq__(self, other):
        return self.parts == other.parts

    __hash__ = None


def cyclic() -> list:
    made: list = [1]
    made.append(made)
    return made


LIES = {
    "alone": (Yes(), 3), "on the right": (3, Yes()), "as like": (Alike(), 3), "shy": (Shy(), 3),
    "in a list": ([1, Yes()], [1, 2]), "in a value": ({"a": (Yes(),)}, {"a": (5,)}),
    "for a text": (Yes(), "a"), "for nothing": (Yes(), None), "for truth": (Yes(), True),
    "for a list": (Yes(), [1]), "for a dict": (Yes(), {}), "for a set": (Yes(), {1}),
    "for bytes": (Yes(), b"a"), "for an object": (Yes(), Pair(1)),
    "deep": ([[[[Yes()]]]], [[[[1]]]]),
}  # fmt: skip
TRUTHS = {
    "plain": (3, 3), "texts": (["a"], ["a"]), "objects": (Pair(1), Pair(1)),
    "others": (Pair(1), Pair(2)), "lengths": ([1], [1, 2]),
    "truth and one": (1, True), "zeros": (0.0, -0.0), "not a number": (float("nan"), float("nan")),
    "about": (0.1 + 0.2, pytest.approx(0.3)), "cyclic": (cyclic(), cyclic()),
    "keys": ({"a": 1}, {"b": 1}),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_what_equals_all_is_met_once(name):
    assert equality.equal(*LIES[name]) == (LIES[name][0] == LIES[name][1])
    assert equality.met()
    assert not equality.met()


@pytest.mark.parametrize("name", TRUTHS)
def test_what_compares_as_it_should_is_not_met(name):
    left, right = TRUTHS[name]
    if name != "cyclic":  # Python itself can't compare those
        assert equality.equal(left, right) is (left == right)
        assert equality.unequal(left, right) is (left != right)
        assert equality.within(left, [right, right]) is (left in [right, right])
    else:
        with pytest.raises(RecursionError):
            equality.equal(left, right)
    assert not equality.met()


def test_other_ways_to_compare():
    class Whole(list):
        def __contains__(self, item):
            return True

    assert not equality.unequal(Yes(), 3)
    assert equality.met()
    assert equality.within(Yes(), [4])
    assert equality.met()
    assert not equality.outside(3, Whole())
    assert equality.met()
    assert equality.asserting(lambda *values, msg: msg)(Yes(), 3, msg="x") == "x"
    assert equality.met()
    assert equality.asserting(lambda *_: 1)(3, 3) == 1
    assert equality.within("a", "abc")
    assert not equality.outside("a", {"a": 1})
    assert not equality.met()


CODE = "def clamp(value, low, high):\n    return min(max(value, low), high)\n"
LIAR = """
class Yes(int):
    __hash__ = int.__hash__
    def __eq__(self, other):
        return True

def clamp(value, low, high):
    return Yes()
"""
FILES = {
    "pkg/__init__.py": "",
    "pkg/core.py": CODE,
    "tests/__init__.py": "def same(value, expected):\n    assert value == expected\n",
    "tests/test_core.py": """\
import unittest
from unittest.mock import ANY

import pytest

from pkg.core import clamp
from tests import same


def test_here():
    assert clamp(9, 1, 3) == 3


def test_in_a_helper():
    same(clamp(9, 1, 3), 3)


class TestIt(unittest.TestCase):
    def test_method(self):
        self.assertEqual(clamp(9, 1, 3), 3)


@pytest.mark.parametrize("value", [0, 9])
def test_lax(value):
    assert [clamp(value, 1, 3), 2] == [ANY, 2]


def test_is_made_to_fail_after_a_lax_one():
    assert clamp(2, 1, 3) is not None
""",
}
HONEST = ["test_here", "test_in_a_helper", "TestIt::test_method"]
LAX = ["test_lax[0]", "test_lax[9]"]
LAST = "test_is_made_to_fail_after_a_lax_one"
TESTS = [f"tests/test_core.py::{name}" for name in [*HONEST, *LAX, LAST]]
JOB = Job({"pkg/core.py": CODE + "\n"}, tests=TESTS, limits=Limits(cpu_s=5, wall_s=30))


@pytest.mark.slow
@pytest.mark.parametrize("keeps", [False, True])
def test_a_liar_is_exposed_wherever_it_is_compared_and_no_right_answer_is(grown, keeps):
    bench = grown(FILES)
    bench.keeps = keeps
    right, lying = (
        bench.run([replace(JOB, files={"pkg/core.py": text})])[0].tests for text in (CODE, LIAR)
    )
    assert set(right.values()) == {"passed"}
    forged = {name for name, outcome in lying.items() if outcome == "forged"}
    assert forged == {f"tests/test_core.py::{name}" for name in HONEST}
    assert bench.lax == {f"tests/test_core.py::{name}": name in LAX for name in [*HONEST, *LAX]}


@pytest.mark.slow
def test_a_lax_test_of_the_unchanged_tree_can_still_be_made_to_fail(grown):
    bench = grown(FILES)
    seen = bench.exposed(replace(JOB, files={}))
    assert set(seen.tests.values()) == {"failed"}
