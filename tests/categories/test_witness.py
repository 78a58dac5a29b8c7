"""A witness is literals at a known entry, and holds only if both codes were run and differ."""

import json
from types import SimpleNamespace

import pytest

from assay.categories import _prompts, _witness
from assay.categories._witness import WitnessError, expression, holds, identity, scenario_of
from assay.categories.base import Options
from assay.core.errors import HarnessError
from assay.core.execution import HARNESS_ERROR, RAN, JobResult

BOX = {"built": True, "methods": ["__call__", "put"], "observe": ["kept"]}
PLAIN = {"built": False, "methods": [""], "observe": []}
KEY = {"entries": {"pkg.box:Box": BOX, "pkg.help:moved": PLAIN}, "shown": []}


@pytest.mark.parametrize(("text", "init", "calls"), [
    ("Box({'a': -1}).put('x', 2)", [[{"a": -1}], {}], [["put", ["x", 2], {}]]),
    ("pkg.box.Box(most=3).put('x', n=(1, {2}))", [[], {"most": 3}],
     [["put", ["x"], {"n": (1, {2})}]]),
    ("Box(\n    [int, None],\n)(b'x')", [[[int, None]], {}], [["__call__", [b"x"], {}]]),
    ("Box()", [[], {}], []),
    ("moved(1.5, by=frozenset({2}))", None, [["", [1.5], {"by": frozenset({2})}]]),
])  # fmt: skip
def test_a_use_with_literals_is_read(text, init, calls):
    from assay.core.codec import decode

    data = scenario_of(text, KEY)
    assert (data["init"] and [decode(part) for part in data["init"]]) == init
    assert [[name, *map(decode, given)] for name, *given in data["calls"]] == calls
    assert data["observe"] == (["kept"] if init else [])
    assert identity(scenario_of(expression(data, KEY), KEY)) == identity(data)


VALUES = {**KEY, "values": ["pkg.box:Box.of", "pkg.kinds:Range", "pkg.kinds:Truth", "a:T", "b:T"]}


@pytest.mark.parametrize(("text", "given"), [
    ("moved(Range(1, most=None))",
     ["new", ["pkg.kinds:Range", ["list", [["int", "1"]]], ["dict", [["most", None]]]]]),
    ("moved(pkg.kinds.Truth)", ["name", "pkg.kinds:Truth"]),
    ("moved({Truth: [Box.of(Range(2))]})",
     ["dict", [[["name", "pkg.kinds:Truth"], ["list", [["new", ["pkg.box:Box.of", ["list", [
         ["new", ["pkg.kinds:Range", ["list", [["int", "2"]]], ["dict", []]]],
     ]], ["dict", []]]]]]]]]),
    ("moved(a.T)", ["name", "a:T"]),
])  # fmt: skip
def test_objects_of_the_target_that_its_uses_hold_are_read(text, given):
    data = scenario_of(text, VALUES)
    assert data["calls"][0][1] == ["list", [given]]
    assert identity(scenario_of(expression(data, VALUES), VALUES)) == identity(data)
    with pytest.raises(WitnessError):
        scenario_of(text, KEY)


def use(*names):
    """Return a scenario that hands objects of the target to an entry."""
    given = ["list", [["name", name] for name in names]]
    return {"entry": "pkg.help:moved", "init": None, "observe": [],
            "calls": [["", given, ["dict", []]]]}  # fmt: skip


def key_of(shown, *others):
    rows = [{"scenario_json": json.dumps(data)} for data in (*shown, *others)]
    return _witness.wanted(SimpleNamespace(scenarios=rows), shown)


@pytest.mark.parametrize(("shown", "text", "full"), [
    ([use("docs.one:app", "docs.two:app")], "moved(one_app)", "docs.one:app"),
    ([use("docs.one:app")], "moved(app)", "docs.one:app"),
    ([use("docs.one:app")], "moved(docs.two.app)", "docs.two:app"),
])  # fmt: skip
def test_an_object_is_named_as_the_prompt_names_it_or_with_its_module(shown, text, full):
    key = key_of(shown, use("docs.one:app"), use("docs.two:app"), use("docs.six:app"))
    data = scenario_of(text, key)
    assert data["calls"][0][1] == ["list", [["name", full]]]
    written = expression(data, key)
    assert written == f"moved({full.replace(':', '.')})"
    assert identity(scenario_of(written, key)) == identity(data)


@pytest.mark.parametrize("text", ["moved(six_app)", "moved(app)", "moved(one.app)"])
def test_a_name_that_the_prompt_does_not_give_is_none(text):
    key = key_of([use("docs.one:app", "docs.two:app")], use("docs.six:app"))
    with pytest.raises(WitnessError):
        scenario_of(text, key)


def test_names_of_their_own_need_no_other():
    assert "called" not in key_of([use("pkg.kinds:Range")], use("pkg.kinds:Truth"))


@pytest.mark.parametrize("text", [
    "moved(T)", "moved(T())", "moved(Range(x))", "moved(Range(*[1]))", "moved(Range(**{'a': 1}))",
    "moved(Range(1).most)", "moved(os)", "moved(Range(1)(2))", "moved(lambda: Range)",
    "Range(1)", "moved(Range(open('f')))", "moved(kinds.Range(1))", "moved(Range.__class__(1))",
])  # fmt: skip
def test_no_other_object_is_read(text):
    with pytest.raises(WitnessError):
        scenario_of(text, VALUES)


@pytest.mark.parametrize("text", [
    "", "Box", "3", "Box().drop(1)", "Box().put(x)", "Box().put(open('f'))", "os.system('x')",
    "Box(*[1]).put(1)", "Box(**{'a': 1}).put(1)", "Box().put(1).put(2)", "box.Box().put(1)",
    "moved(1).put(2)", "Box().put([i for i in 'ab'])", "Box().put(f'{1}')", "Box().put(1 + 1)",
    "__import__('os')", "Box().put(2); Box()", "Box().put({**{'a': 1}})", "Box().put({[]: 1})",
    "x = Box()", "(" * 300, "Box().put('" + "x" * 9000 + "')", "Box().put(...)",
    "Box().put('\ud800')", "Box().__init__()", "lambda: Box()", "Box().put(\0)",
    "Box().put(frozenset(1))", "Box" + ".put" * 900 + "(1)", "Box" + ".put" * 1900 + "(1)",
])  # fmt: skip
def test_anything_else_is_no_witness(text):
    with pytest.raises(WitnessError):
        scenario_of(text, KEY)


def test_scenarios_that_one_expression_cannot_spell_are_left_out():
    one = scenario_of("Box().put(1)", KEY)
    assert expression({**one, "calls": one["calls"] * 2}, KEY) is None
    assert expression({**one, "calls": [["__setattr__", *one["calls"][0][1:]]]}, KEY) is None


class Bench:
    """Shows what it is told for the right and the buggy files."""

    def __init__(self, right, buggy, outcome=RAN):
        self.told = {"right": right, "buggy": buggy}
        self.outcome = outcome
        self.jobs = []

    def read(self, path):
        return "right"

    def run(self, jobs):
        self.jobs += jobs
        return [self._run(job) for job in jobs]

    def _run(self, job):
        shown = self.told[job.files["pkg/box.py"]]
        shown = shown(job.hash_seed) if callable(shown) else shown
        return JobResult(self.outcome, {job.scenarios[0].scenario_id: shown} if shown else {})


ONE, TWO = ({"calls": [{"returned": ["int", n]}], "state": {}} for n in "12")


def judged(bench, text="Box().put(1)", key=KEY):
    return holds(text, key, {"pkg/box.py": "buggy"}, bench, Options())


def test_it_holds_where_both_were_run_and_differ():
    bench = Bench(ONE, TWO)
    assert judged(bench)
    assert {job.hash_seed for job in bench.jobs} == {0, 1}
    assert not judged(Bench(ONE, ONE))
    assert not judged(Bench(ONE, None))
    assert not judged(Bench(None, ONE))
    assert not judged(Bench({**ONE, "crashed": True}, ONE))
    assert not judged(Bench(ONE, TWO, "cpu_timeout"))


def test_chance_is_no_difference():
    assert not judged(Bench(lambda seed: (ONE, TWO)[seed], TWO))
    assert not judged(Bench(ONE, lambda seed: (ONE, TWO)[seed]))


def test_none_a_bad_one_and_a_shown_one_do_not_hold_and_nothing_is_run():
    shown = {**KEY, "shown": [identity(scenario_of("Box().put(1)", KEY))]}
    for text, key in ((None, KEY), ("Box().put(x)", KEY), ("Box().put(1)", shown)):
        bench = Bench(ONE, TWO)
        assert not judged(bench, text, key)
        assert bench.jobs == []


def test_a_failure_of_the_harness_is_no_verdict():
    with pytest.raises(HarnessError):
        judged(Bench(ONE, TWO, HARNESS_ERROR))


def test_two_witnesses_are_never_taken_for_one():
    bench = Bench(ONE, TWO)
    judged(bench)
    judged(bench, "Box().put(2)")
    assert len({job.scenarios[0].scenario_id for job in bench.jobs}) == 2


def test_the_shortest_one_that_is_not_shown_is_told():
    from assay.categories._pool import Case

    texts = ("Box().put(12345)", "Box().put(1)", "Box().put(12)")
    cases = [Case(str(n), scenario_of(text, KEY), {}) for n, text in enumerate(texts)]
    shown = {**KEY, "shown": [identity(cases[1].data)]}
    assert _witness.shortest(cases, KEY) == "Box().put(1)"
    assert _witness.shortest(cases, shown) == "Box().put(12)"
    assert _witness.shortest([], KEY) is None


def test_objects_are_found_whichever_way_arguments_are_held():
    new = ["new", ["pkg.kinds:Range", ["list", [["int", "1"]]], ["dict", []]]]
    for given in ([["list", [new]], ["dict", []]], [[new], {}], [[], {"by": ["list", [new]]}]):
        data = {"entry": "pkg.help:moved", "init": None, "calls": [["", *given]], "observe": []}
        assert _witness.objects(data) == {"pkg.kinds:Range"}
    assert (
        _witness.objects({**data, "calls": [["", ["list", [["int", "1"]]], ["dict", []]]]}) == set()
    )


def test_a_section_of_a_prompt_may_hold_another():
    text = "a{{#one}} b{{#two}} c{{/two}}{{/one}}"
    given = [{"one": "x", "two": "x"}, {"one": "x", "two": ""}, {"one": "", "two": "x"}]
    assert [_prompts.fill(text, values).strip() for values in given] == ["a b c", "a b", "a"]
    with pytest.raises(HarnessError, match="two"):
        _prompts.fill(text, {"one": ""})
