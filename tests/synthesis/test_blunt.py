"""Blunt mutations fill an oracle's sample: other than the mutants, and never nothing at all."""

import ast
import warnings

import pytest

from assay.synthesis.blunt import KINDS, blunt_mutants
from assay.synthesis.idioms import shape
from assay.synthesis.mutants import all_mutants

SHORT = "def f(a):\n    return a.b.get('c')\n"
LONG = '''    @property
    def put(self, name, value=None):
        """Put it in."""
        @cached
        def inner():
            return value + 1
        if name in self.items:
            self.items.append(inner(), last=name)
        return len(self.items[1:])
'''


def row(source, unit_id="a.py::f"):
    return {"unit_id": unit_id, "source": source}


def shape_of(source):
    tree = ast.parse("if 1:\n" + source if source.startswith(" ") else source)
    return shape(next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)))


def test_a_unit_that_no_operator_finds_much_in_has_enough_to_try_an_oracle_on():
    assert len(all_mutants(row(SHORT), 1)) < 3
    found = {item.source.splitlines()[1].strip() for item in blunt_mutants(row(SHORT), 1)}
    assert found == {
        "return (a.b)", "return (a).get('c')", "return ('c')", "return a.b.get()",
        "return False", "return True",
    }  # fmt: skip


def test_every_kind_applies_and_nothing_is_equal_to_anything():
    found = blunt_mutants(row(LONG), 1)
    assert {item.operator for item in found} == set(KINDS)
    shapes = [shape_of(item.source) for item in (*found, *all_mutants(row(LONG), 1))]
    assert len(set(shapes)) == len(shapes)
    assert shape_of(LONG) not in shapes


def test_a_body_that_does_nothing_is_left_to_the_null_answers():
    idle = {shape_of("def f(a):\n    pass\n"), shape_of("def f(a):\n    return None\n")}
    assert len(idle) == 1
    found = blunt_mutants(row("def f(a):\n    '''Go.'''\n    a.go(1)\n"), 1)
    assert found
    assert not [item.site for item in found if item.source.endswith("pass\n")]


def test_a_decorated_statement_goes_whole():
    gone = [item for item in blunt_mutants(row(LONG), 1) if "@cached" not in item.source]
    assert [item.operator for item in gone] == ["statement_deletion"]
    assert "        pass\n        if name in" in gone[0].source


def test_order_is_the_units_own():
    first = [item.site for item in blunt_mutants(row(LONG), 1)]
    assert first == [item.site for item in blunt_mutants(row(LONG), 1)]
    other = [item.site for item in blunt_mutants(row(LONG, "other"), 1)]
    assert sorted(other) == sorted(first)
    assert other != first


@pytest.mark.parametrize("source", ["class A:\n    pass\n", "def f(:\n", 'def f():\n    "x"\n'])
def test_what_is_no_function_with_a_body_has_none(source):
    assert blunt_mutants(row(source), 1) == []


def test_code_that_python_warns_of_warns_nobody_here():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert blunt_mutants(row("def f(a):\n    return 'x'.join(a) is a\n"), 1)
