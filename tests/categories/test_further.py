"""Cases beyond the pool are taken for bugs that it hardly shows, and for no others."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from assay.categories import _further
from assay.categories._bugs import Bug, Fault
from assay.categories._pool import Case
from assay.categories._types import Mutation

LOOKED = [Case(f"s{number}", {}, {}) for number in range(12)]
POOL = LOOKED[:4]


def bug(name, *shown, outcome="ran"):
    fault = Fault({"unit_id": "u"}, Mutation(name, "", (1,), False, name, ""))
    return Bug((fault,), violated=frozenset(shown), outcome=outcome)


@pytest.fixture
def chosen(monkeypatch):
    """Return the ids chosen for bugs of which the rest of the cases shows `more`."""

    def run(seen, more):
        def run_all(material, bugs, cases):
            assert cases == LOOKED[4:]
            return [bug(one.operator, *more.get(one.operator, ())) for one in bugs]

        monkeypatch.setattr(_further, "run_all", run_all)
        found = _further.showing(SimpleNamespace(), seen, LOOKED, POOL)
        return [case.scenario_id for case in found]

    return run


def test_a_bug_that_one_case_shows_gets_a_second_one_and_one_case_serves_several(chosen):
    seen = [bug("a", "s0"), bug("b", "s1"), bug("c")]
    more = {"a": ["s7", "s9"], "b": ["s9"], "c": ["s9", "s5"]}
    assert chosen(seen, more) == ["s9", "s5"]


def test_what_enough_cases_show_or_none_can_show_or_a_wreck_gets_none(chosen):
    seen = [bug("a", "s0", "s1"), bug("b", "s0"), bug("c"), bug("d", outcome="crashed")]
    assert chosen(seen, {"a": ["s5"], "c": ["s5"], "d": ["s5", "s6"]}) == []


def test_there_is_an_end_to_it(chosen):
    seen = [bug(str(number), "s0") for number in range(4, 12)]
    more = {str(number): [f"s{number}"] for number in range(4, 12)}
    assert len(chosen(seen, more)) == _further.MOST == 8
    assert chosen([], {}) == []
