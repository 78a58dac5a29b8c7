"""Mutants are idiomatic, deduplicated, and in an order of the unit's own."""

import ast

import pytest

from assay.core import registry
from assay.synthesis.mutants import all_mutants, changed_lines

SOURCE = '''    def put(self, name, value, strict=True):
        """Put {'a': 1} in; 1 < 2."""
        if value is None and not strict:
            return None
        limit = self.limits.get(name)
        if limit is not None and len(value) > limit - 1:
            raise ValueError(name)
        for item in value[1:]:
            if item not in self.items:
                self.items.append(item)
            else:
                break
        return self.store(name, list(value))
'''


def row(source=SOURCE, unit_id="a.py::Box.put"):
    return {"unit_id": unit_id, "source": source}


def parsed(source):
    return ast.parse("if 1:\n" + source).body[0].body[0]


def test_many_families_apply_and_all_results_differ():
    found = all_mutants(row(), 1)
    assert len({item.operator for item in found}) >= 10
    shapes = [ast.dump(parsed(item.source)) for item in found]
    assert len(set(shapes)) == len(shapes)
    assert ast.dump(parsed(SOURCE)) not in shapes
    assert len({(item.operator, item.site) for item in found}) == len(found)


def test_signature_docstring_and_names_stay():
    for item in all_mutants(row(), 1):
        unit = parsed(item.source)
        assert ast.get_docstring(unit) == "Put {'a': 1} in; 1 < 2."
        assert [arg.arg for arg in unit.args.args] == ["self", "name", "value", "strict"]


def test_named_lines_are_the_changed_ones():
    old = SOURCE.splitlines()
    for item in all_mutants(row(), 1):
        new = item.source.splitlines()
        assert all(1 <= line <= len(new) for line in item.lines)
        if not item.deletes:
            changed = {
                n for n, pair in enumerate(zip(old, new, strict=True), 1) if len(set(pair)) > 1
            }
            assert set(item.lines) == changed
        else:
            assert len(new) < len(old)
            assert 1 <= len(item.lines) <= 2


def test_a_gap_is_named_by_its_neighbours():
    assert changed_lines("a\nb\nc\n", "a\nc\n") == (1, 2)
    assert changed_lines("a\nb\n", "a\n") == (1,)
    assert changed_lines("a\nb\nc\n", "a\nx\nc\n") == (2,)


def test_the_order_depends_on_seed_and_unit_alone():
    first = [item.site for item in all_mutants(row(), 1)]
    all_mutants(row(unit_id="other"), 1)
    assert [item.site for item in all_mutants(row(), 1)] == first
    assert [item.site for item in all_mutants(row(), 2)] != first
    assert [item.site for item in all_mutants(row(unit_id="other"), 1)] != first
    assert sorted(item.site for item in all_mutants(row(), 2)) == sorted(first)


def test_taking_an_operator_away_leaves_the_order_within_the_others(monkeypatch):
    def orders(found):
        return {
            name: [item.site for item in found if item.operator == name]
            for name in {item.operator for item in found} - {"constants"}
        }

    before = orders(all_mutants(row(), 1))
    monkeypatch.setattr(registry.load("operators", "constants"), "mutate", lambda code: iter(()))
    monkeypatch.setattr("assay.synthesis.mutants._cached", _uncached())
    after = orders(all_mutants(row(), 1))
    assert set(before) <= set(after)  # a change that two families make belongs to one of them
    for name, sites in before.items():
        assert [site for site in after[name] if site in sites] == sites


def _uncached():
    from assay.synthesis import mutants

    return mutants._cached.__wrapped__


@pytest.mark.parametrize("telling", ["not not", "pass\n", "None in", "== None", "is True"])
def test_no_tell_tale_form_appears(telling):
    assert telling not in SOURCE
    assert not [item.site for item in all_mutants(row(), 1) if telling in item.source]


@pytest.mark.parametrize("source", ["x = 1\n", "def f(:\n", "class A:\n    pass\n"])
def test_what_is_no_function_has_no_mutants(source):
    assert all_mutants(row(source), 1) == []
