"""A bug shows in a shown and in a hidden behaviour; only who locates and mends it passes."""

import ast
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from assay.categories import _bugs, _single, _understanding, code_understanding
from assay.categories._excerpt import numbered, window
from assay.categories._pool import cases
from assay.categories._understanding import Draft
from assay.categories.base import (
    FAILED,
    PASSED,
    UNREADABLE,
    Candidate,
    CodeKey,
    Hidden,
    Material,
    Options,
    Rejection,
    code_key,
    code_key_json,
)
from assay.core import codec
from assay.core.execution import RAN, JobResult
from assay.core.seeds import shuffled
from assay.scoring.extraction import extract
from assay.synthesis.blunt import blunt_mutants
from assay.synthesis.mutants import all_mutants

ROOT = Path(__file__).parents[2]
PATH = "toy/box.py"
FILE = '''"""A box."""

LIMIT = 10


def shorten(text, most=3):
    """Return the head of a text."""
    return text[:most]


class Box:
    """Holds numbers."""

    def __init__(self):
        self.errors = {}
        self.kept = []

    def put(self, name, value):
        """Keep a number; tell what is wrong with it."""
        if value is None:
            return len(self.kept)
        if not isinstance(value, int) or isinstance(value, bool):
            self.errors[shorten(name)] = 'no number'
        elif value > LIMIT and name != 'free':
            self.errors[shorten(name)] = 'too big by %d' % (value - LIMIT)
        else:
            self.kept.append(value)
        return len(self.kept)
'''
TESTS = {
    "t.py::test_small": "box.Box().put('a', 3) == 1",
    "t.py::test_edge": "box.Box().put('a', 10) == 1",
    "t.py::test_none": "box.Box().put('a', None) == 0",
    "t.py::test_big": "box.Box().put('a', 11) == 0",
}


class ToyBench:
    """Runs jobs in this process."""

    def read(self, path):
        return FILE

    def run(self, jobs):
        return [self._run(job) for job in jobs]

    def _run(self, job):
        box = type(ast)("box")
        try:
            exec(compile(job.files.get(PATH, FILE), PATH, "exec"), box.__dict__)
        except Exception as error:  # noqa: BLE001 - whatever the text does
            return JobResult("crashed", detail=str(error))
        seen = {item.scenario_id: observe(box, item.data) for item in job.scenarios}
        tests = {name: outcome(box, TESTS[name]) for name in job.tests}
        return JobResult(RAN, seen, tests, module_files={"toy.box": PATH})


def outcome(box, text):
    try:
        return "passed" if eval(text, {"box": box}) else "failed"
    except Exception:  # noqa: BLE001 - as a test runner does
        return "failed"


def observe(box, data):
    target = getattr(box, data["entry"].partition(":")[2])
    target = target() if data["init"] is not None else target
    calls = []
    for method, args, _ in data["calls"]:
        try:
            found = (getattr(target, method) if method else target)(*map(codec.decode, args))
            calls.append({"returned": codec.encode(found)})
        except Exception as error:  # noqa: BLE001 - it is the observation
            calls.append({"raised": [type(error).__name__, str(error)]})
    state = {name: codec.encode(getattr(target, name)) for name in data["observe"]}
    return {"calls": calls, "state": state, "arguments": None}


def scenario(number, name, value):
    call = ["put", [codec.encode(name), codec.encode(value)], {}]
    data = {"entry": "toy.box:Box", "init": [["list", []], ["dict", []]], "calls": [call],
            "observe": ["errors", "kept"]}  # fmt: skip
    box = type(ast)("box")
    exec(compile(FILE, PATH, "exec"), box.__dict__)
    return {"scenario_id": f"{number:016x}", "scenario_json": json.dumps(data), "units": [],
            "observation_json": json.dumps(observe(box, data))}  # fmt: skip


def row(node, parent):
    lines = FILE.splitlines(keepends=True)
    documented = ast.get_docstring(node) is not None
    qualname = f"{parent}.{node.name}".lstrip(".")
    return {
        "unit_id": f"{PATH}::{qualname}", "path": PATH, "module": "toy.box", "parent": parent,
        "kind": "method" if parent else "function", "qualname": qualname, "decorators": [],
        "file_imports": [], "signature": lines[node.lineno - 1].strip(), "docstring": None,
        "source": "".join(lines[node.lineno - 1 : node.end_lineno]), "body": "",
        "start_line": node.lineno, "def_line": node.lineno, "end_line": node.end_lineno,
        "body_start_line": node.body[int(documented)].lineno, "complexity": 3,
        "lines": node.end_lineno - node.lineno + 1,
        "statements": sum(isinstance(n, ast.stmt) for n in ast.walk(node)) - 1,
        "calls": sorted({ast.unparse(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}),
    }  # fmt: skip


def rows():
    tree = ast.parse(FILE)
    for parent, holder in [("", tree), *((n.name, n) for n in tree.body if hasattr(n, "body"))]:
        yield from (row(node, parent) for node in holder.body if isinstance(node, ast.FunctionDef))


VALUES = [None, True, 0, 1, 5, 9, 10, 11, 12, 99, "no", 2.5, -3]


def material(name="Box.put", seed=1, **tasks):
    units = {item["unit_id"]: item for item in rows()}
    pairs = [(key, value) for key in ("a", "free", "bottle") for value in VALUES]
    scenarios = [scenario(n, *pair) for n, pair in enumerate(pairs)]
    settings = {
        "tasks": {"shown": 4, "hidden": 24, "control_percent": 0, "prompt_characters": 6000,
                  "max_tokens": 512, "strata": {"trivial": 30, "standard": 45, "hard": 25},
                  "candidates_per_unit": 6, **tasks},
        "gates": {"oracle_sample": 12, "max_broken_tests": 40},
        "limits": {}, "prompts": {
            "code_understanding": (ROOT / "config/prompts/code_understanding.md").read_text(),
        },
    }  # fmt: skip
    return Material(
        "toy", units[f"{PATH}::{name}"], units, tuple(TESTS),
        tuple(shuffled(scenarios, seed, key=lambda item: item["scenario_id"])),
        lambda unit: all_mutants(unit, seed), ToyBench(), seed, settings,
    )  # fmt: skip


def candidates(**given):
    made = code_understanding.propose(material(**given))
    return [item for item in made if isinstance(item, Candidate)]


def worth(text, candidate, **changes):
    extraction = extract(text, code_understanding.FORMAT, "put")
    key = json.loads(json.dumps(candidate.key)) | {
        "is_control": candidate.is_control, "accepted_lines": candidate.accepted_lines, **changes,
    }  # fmt: skip
    return code_understanding.judge(extraction, key, ToyBench(), Options())


@pytest.fixture(scope="module")
def bugs():
    found = [item for seed in range(6) for item in candidates(seed=seed)]
    assert len(found) >= 6
    return found


@pytest.fixture(scope="module")
def control():
    return candidates(control_percent=100)[0]


def test_the_right_answer_passes_and_every_null_answer_fails(bugs):
    for bug in bugs:
        right = worth(bug.reference_answer, bug)
        assert (right.status, right.reason) == (PASSED, "located and repaired")
        assert right.checks == {
            "scenarios": True, "tests": True, "located": True, "repaired": True,
        }  # fmt: skip
        answers = code_understanding.null_answers(bug)
        assert {"pass", "return_none", "return_first", "raise", "prompt", "empty"} <= set(answers)
        assert PASSED not in {worth(text, bug).status for text in answers.values()}


def test_a_bug_violates_a_shown_and_a_hidden_behaviour_and_leaves_others(bugs):
    for bug in bugs:
        code = code_key(bug.key["code"])
        text = FILE.replace(material().unit["source"], bug.key["source"])
        box = type(ast)("box")
        exec(compile(text, PATH, "exec"), box.__dict__)
        same = [observe(box, item.data) == item.expected for item in code.hidden]
        assert {True, False} <= set(same)
        scenarios = {item["scenario_id"]: item for item in material().scenarios}
        shown = [scenarios[name] for name in code.shown]
        agree = [
            observe(box, json.loads(item["scenario_json"])) == json.loads(item["observation_json"])
            for item in shown
        ]
        assert {True, False} == set(agree)
        assert not set(code.shown) & {item.scenario_id for item in code.hidden}


def test_the_accepted_line_is_where_the_prompt_shows_the_bug(bugs):
    right = FILE.splitlines()
    for bug in bugs:
        listing = dict(
            line.split(" | ", 1) for line in bug.prompt.splitlines() if " | " in line
        )  # fmt: skip
        shown = {int(number): text for number, text in listing.items()}
        assert any(shown.get(line, "").rstrip() != right[line - 1] for line in bug.accepted_lines)
        assert 1 <= len(bug.accepted_lines) <= 3


def test_the_prompt_does_not_say_which_case_it_is(bugs, control):
    def frame(prompt):
        return prompt.partition("Either this")[2]

    assert {frame(bug.prompt) for bug in bugs if bug.stratum != "hard"} == {frame(control.prompt)}
    for item in [*bugs, control]:
        for word in ("control", "mutant", item.candidate_id, item.operator or "operator"):
            assert f" {word} " not in item.prompt


def test_a_control_shows_the_published_code_and_wants_no_bug(control):
    assert (control.is_control, control.kind, control.accepted_lines) == (True, "control", ())
    assert control.key["source"] == material().unit["source"]
    assert worth("LINES: none\n", control).status == PASSED
    assert worth(control.reference_answer, control).status == PASSED
    assert worth("LINES: 20\n", control).status == FAILED
    assert worth(f"```python\n{FILE}```", control).status == FAILED


def test_blind_naming_of_many_lines_or_none_does_not_pass(bugs):
    bug = bugs[0]
    line = bug.accepted_lines[0]
    code = bug.reference_answer.partition("\n")[2]
    assert worth(f"LINES: {line}, {line + 1}, {line + 2}\n{code}", bug).status == PASSED
    many = ", ".join(str(line + n) for n in range(4))
    assert worth(f"LINES: {many}\n{code}", bug).status == FAILED
    found = worth(code, bug)
    assert (found.status, found.checks["repaired"], found.checks["located"]) == (
        FAILED,
        True,
        False,
    )


def test_strata_show_more_and_tell_less():
    for name in ("trivial", "standard"):
        found = candidates(strata={name: 100})
        assert {item.stratum for item in found} == {name}
        assert ("which are correct" in found[0].prompt) == (name == "standard")
        assert ("def shorten" in found[0].prompt) == (name == "standard")
    none = list(code_understanding.propose(material(strata={"hard": 100})))
    assert [item.gate for item in none] == ["eligible"]


def test_bugs_that_nothing_shows_or_that_wreck_the_unit_are_rejected_with_reasons():
    found = [item for seed in range(6) for item in code_understanding.propose(material(seed=seed))]
    gates = Counter(item.gate for item in found if isinstance(item, Rejection))
    assert gates["bug_effect"]
    ids = [item.candidate_id for item in code_understanding.propose(material())]
    assert len(set(ids)) == len(ids)


def test_more_mutants_are_looked_at_where_none_of_the_first_is_a_bug(monkeypatch):
    given = material()
    given.settings["gates"]["oracle_sample"] = 4
    first = {mutant.site for mutant in given.mutants(given.unit)[:4]}
    assert len(given.mutants(given.unit)) > 8
    drafts = found_in(given)
    assert {draft.bug.site for draft in drafts} <= first
    measured = _single._measured
    monkeypatch.setattr(
        _single,
        "_measured",
        lambda bug, *rest: (bug, "quiet") if bug.site in first else measured(bug, *rest),
    )
    drafts = found_in(given)
    assert drafts
    for draft in drafts:
        assert draft.bug.site not in first
        assert {other.site for other in draft.others} == first  # the oracle's own stay the same


def test_a_unit_drawn_for_a_bug_may_be_shown_as_it_is_right_where_no_bug_is_proven():
    given = material()
    found = list(code_understanding.spare(given))
    assert 0 < len(found) <= code_understanding.SPARE
    assert all(item.is_control for item in found)
    bugs = {item.candidate_id for item in code_understanding.propose(given)}
    assert not bugs & {item.candidate_id for item in found}
    assert list(code_understanding.spare(material(control_percent=100))) == []


def test_fewer_controls_are_drawn_than_asked_for_unless_all_are_to_be(monkeypatch):
    monkeypatch.setattr(code_understanding, "fraction", lambda *_: 0.45)
    assert not code_understanding._drawn(material(control_percent=50))
    assert code_understanding._drawn(material(control_percent=60))
    monkeypatch.setattr(code_understanding, "fraction", lambda *_: 0.99)
    assert code_understanding._drawn(material(control_percent=100))


def test_one_mutant_is_enough_where_blunt_ones_fill_the_sample_of_the_oracle():
    given = material()
    one = replace(given, mutants=lambda unit: all_mutants(unit, 1)[:1])
    reason = "too few mutants: there is too little in it to go wrong"
    assert _understanding.unsuitable(one, 9) == reason
    filled = replace(one, blunt=lambda unit: blunt_mutants(unit, 1))
    assert _understanding.unsuitable(filled, 9) == ""
    assert _understanding.unsuitable(replace(filled, mutants=lambda _: []), 9) == reason
    candidate = candidates()[0]
    assert len(code_understanding.weak_answers(candidate, one)) == 1
    weak = list(code_understanding.weak_answers(candidate, filled))
    assert len(weak) > 3
    assert weak[0].startswith(one.mutants(one.unit)[0].operator)


def found_in(given):
    looked = cases(given.scenarios, 40)
    pool = _bugs.useful(given, looked)
    found = _single.drafts(given, looked, pool, control=False)
    return [item for item in found if isinstance(item, Draft)]


def test_a_long_unit_for_the_budget_is_rejected(monkeypatch):
    monkeypatch.setattr(_understanding, "SHORT_ANSWER", 0)
    found = list(code_understanding.propose(material(max_tokens=10)))
    assert {item.gate for item in found} <= {"suitable", "bug_effect"}
    assert any("too long" in item.reason for item in found)


def test_proposals_repeat():
    assert [c.prompt for c in candidates()] == [c.prompt for c in candidates()]


@pytest.mark.parametrize(("answer", "status"), code_understanding.EXAMPLES)
def test_examples_are_worth_what_they_say(answer, status):
    source, (line, text) = code_understanding.EXAMPLE_UNIT, code_understanding.EXAMPLE_BUG
    lines = source.splitlines(keepends=True)
    lines[line - 1] = text + "\n"

    class Bench(ToyBench):
        def read(self, path):
            return source

    def result(args):
        scope = {}
        exec(source, scope)
        return {"calls": [{"returned": codec.encode(scope["limited"](*args))}], "state": {},
                "arguments": None}  # fmt: skip

    def data(args):
        calls = [["", [codec.encode(item) for item in args], {}]]
        return {"entry": "toy.box:limited", "init": None, "observe": [], "calls": calls}

    hidden = tuple(
        Hidden(str(args), data(args), result(args)) for args in code_understanding.EXAMPLE_CALLS
    )
    code = CodeKey(PATH, None, "limited", 1, len(lines), 1, 3, False, hidden, ())
    key = {"code": code_key_json(code), "is_control": False, "accepted_lines": [line]}
    extraction = extract(answer, code_understanding.FORMAT, "limited")
    found = code_understanding.judge(extraction, key, Bench(), Options())
    assert found.status == status
    assert status in {PASSED, FAILED, UNREADABLE}


def test_listings_carry_the_numbers_of_the_file():
    assert numbered(["def f():\n", "\n", "    return 1\n"], 9) == (
        " 9 | def f():\n10 |\n11 |     return 1"
    )


def test_windows_hold_the_unit_at_a_drawn_place_and_end_at_blank_lines():
    text = "".join(f"def f{n}():\n    return {n}\n\n\n" for n in range(200))
    places = set()
    for seed in range(20):
        start, end = window(text, 401, 402, seed)
        assert start <= 401
        assert end >= 402
        assert 200 <= end - start + 1 <= 240
        places.add(401 - start)
    assert len(places) > 5
    with pytest.raises(ValueError, match="too short"):
        window("x\n" * 50, 1, 2, 1)
