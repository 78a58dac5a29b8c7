"""A task of code_generation is decidable from its prompt, and its key tells right from wrong."""

import ast
import json
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from assay.categories import code_generation
from assay.categories._generation import answer
from assay.categories.base import (
    FAILED,
    PASSED,
    UNREADABLE,
    Candidate,
    CodeKey,
    Hidden,
    Material,
    Mutation,
    Options,
    Rejection,
    code_key_json,
)
from assay.core import codec
from assay.core.execution import RAN, JobResult
from assay.core.seeds import shuffled
from assay.scoring.extraction import extract
from assay.synthesis.blunt import blunt_mutants

ROOT = Path(__file__).parents[2]
PATH, HELP = "toy/box.py", "toy/help.py"
FILES = {
    HELP: "LIMIT = 10\nTOO_BIG = 'too big by {0}'\n",
    PATH: '''"""A box."""
import re
from toy import help


def shorten(text):
    return text[:3]


class Box:
    """Holds a number."""

    label = 'box'

    def __init__(self):
        self.errors = {}
        self.kept = None

    def put(self, name, value):
        self._check_limit(name, value)
        self.kept = value
        return not self.errors

    def _check_limit(self, name, value):
        """{'type': 'integer'}"""
        if value is None:
            return
        if value > help.LIMIT:
            self._error(name, help.TOO_BIG.format(value - help.LIMIT))

    def _error(self, name, message):
        self.errors.setdefault(shorten(name), []).append(message)
        return None
''',
}
TESTS = {
    "t.py::test_small": "box.Box().put('a', 3)",
    "t.py::test_edge": "box.Box().put('a', 10)",
    "t.py::test_big": "not box.Box().put('a', 30)",
}


class ToyBench:
    """Runs jobs in this process; counts them."""

    def __init__(self, files):
        self.files, self.jobs = files, 0

    def read(self, path):
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path]

    def run(self, jobs):
        self.jobs += len(jobs)
        return [self._run(job) for job in jobs]

    def _run(self, job):
        try:
            box = self._load({**self.files, **job.files})
        except (SyntaxError, NameError, ImportError) as error:
            return JobResult("crashed", detail=str(error))
        seen = {item.scenario_id: self._observe(box, item.data) for item in job.scenarios}
        tests = {name: self._test(box, TESTS[name]) for name in job.tests}
        return JobResult(RAN, seen, tests, module_files={"toy.box": PATH})

    def _load(self, files):
        scopes = {}
        for path in (HELP, PATH):
            if path in files:
                name = Path(path).stem
                scope = scopes[name] = type(ast)(name)
                scope.__dict__.update(scopes)
                text = files[path].replace("from toy import help\n", "")
                exec(compile(text, path, "exec"), scope.__dict__)
        return scopes["box"]

    def _test(self, box, text):
        try:
            return "passed" if eval(text, {"box": box}) else "failed"
        except Exception:  # noqa: BLE001 - as a test runner does
            return "failed"

    def _observe(self, box, data):
        target = getattr(box, data["entry"].partition(":")[2])
        if data["init"] is not None:
            target = target()
        calls = [self._call(target, *call) for call in data["calls"]]
        state = {name: codec.encode(getattr(target, name)) for name in data["observe"]}
        return {"calls": calls, "state": state, "arguments": None}

    def _call(self, target, method, args, kwargs):
        function = getattr(target, method) if method else target
        try:
            return {"returned": codec.encode(function(*map(codec.decode, args), **kwargs))}
        except Exception as error:  # noqa: BLE001 - it is the observation
            return {"raised": [type(error).__name__, str(error)]}


def unit_rows(path, text):
    """Rows of the units table, as far as the category reads them."""
    lines, module = text.splitlines(keepends=True), path[:-3].replace("/", ".")
    tree = ast.parse(text)
    heads = [
        ast.get_source_segment(text, node)
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    yield {"unit_id": path, "kind": "file", "path": path, "module": module, "qualname": ""}
    holders = [("", tree)] + [(n.name, n) for n in tree.body if isinstance(n, ast.ClassDef)]
    for parent, holder in holders:
        for node in holder.body:
            if isinstance(node, ast.FunctionDef):
                documented = ast.get_docstring(node) is not None
                first = node.body[min(documented, len(node.body) - 1)].lineno
                qualname = f"{parent}.{node.name}".lstrip(".")
                yield {
                    "unit_id": f"{path}::{qualname}", "path": path, "module": module,
                    "kind": "method" if parent else "function", "qualname": qualname,
                    "parent": parent, "decorators": [], "file_imports": heads,
                    "signature": lines[node.lineno - 1].rstrip(),
                    "docstring": ast.get_docstring(node),
                    "body": "".join(lines[first - 1 : node.end_lineno]),
                    "source": "".join(lines[node.lineno - 1 : node.end_lineno]),
                    "start_line": node.lineno, "def_line": node.lineno, "body_start_line": first,
                    "end_line": node.end_lineno, "complexity": 3,
                    "statements": sum(isinstance(n, ast.stmt) for n in ast.walk(node)) - 1,
                    "calls": sorted(
                        {ast.unparse(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
                    ),
                }  # fmt: skip


def scenario(number, name, value):
    call = ["put", [codec.encode(name), codec.encode(value)], {}]
    data = {
        "entry": "toy.box:Box",
        "init": [["list", []], ["dict", []]],
        "calls": [call],
        "observe": ["errors", "kept"],
    }
    bench = ToyBench(FILES)
    return {
        "scenario_id": f"s{number}",
        "scenario_json": json.dumps(data),
        "observation_json": json.dumps(bench._observe(bench._load(FILES), data)),
    }


VALUES = [
    None,
    False,
    9.5,
    10,
    10.0,
    10,
    11,
    12,
    20,
    99,
    10.5,
    *range(-9, 9),
    "no",
    "no",
    False,
    False,
]


def mutants(unit):
    found = []
    for old, new, rule in (
        ("value > help.LIMIT:", "value >= help.LIMIT:", "a value equal to the limit is too big"),
        ("value is None", "value is False", "False is ignored, None is not"),
        ("value - help", "value + help", "the message tells the sum"),
        ("value > help.LIMIT:", "value > help.NONE:", "unclear: fails"),
        ("return\n", "self._error(name, 'none')\n", "None is told"),
        ("value > help.LIMIT:", "help.LIMIT > -99:", "every value is too big"),
    ):
        source = unit["source"]
        if old in source:
            line = source[: source.index(old)].count("\n") + 1
            found.append(
                Mutation("relational", source.replace(old, new), (line,), False, new, rule)
            )
    return found


def material(name="Box._check_limit", percent=50, **tasks):
    rows = [row for path, text in sorted(FILES.items()) for row in unit_rows(path, text)]
    units = {row["unit_id"]: row for row in rows}
    scenarios = [scenario(n, "a" if n % 3 else "bottle", value) for n, value in enumerate(VALUES)]
    prompts = {"code_generation": (ROOT / "config/prompts/code_generation.md").read_text()}
    settings = {
        "tasks": {
            "shown": 4, "hidden": 24, "counterfactual_percent": percent,
            "prompt_characters": 6000, "max_tokens": 512, "strata": {"standard": 1}, **tasks,
        },
        "gates": {"oracle_sample": 12}, "prompts": prompts,
    }  # fmt: skip
    return Material(
        "toy", units[f"{PATH}::{name}"], units, tuple(TESTS),
        tuple(shuffled(scenarios, 1, key=lambda row: row["scenario_id"])), mutants,
        ToyBench(FILES), 1, settings,
    )  # fmt: skip


def candidates(given, kind=None):
    found = [item for item in code_generation.propose(given) if isinstance(item, Candidate)]
    return [item for item in found if kind in {None, item.kind}]


def worth(text, candidate, bench=None, options=None):
    extraction = extract(
        text, code_generation.FORMAT, candidate.unit_id.replace("::", ".").rpartition(".")[2]
    )
    key = json.loads(json.dumps(candidate.key))
    return code_generation.judge(extraction, key, bench or ToyBench(FILES), options or Options())


@pytest.fixture(scope="module")
def original():
    return candidates(material(percent=0))[0]


@pytest.fixture(scope="module")
def counterfactual():
    return candidates(material(percent=100))[0]


@pytest.mark.parametrize("kind", ["original", "counterfactual"])
def test_the_right_answer_passes_and_every_null_answer_fails(kind, request):
    candidate = request.getfixturevalue(kind)
    right = worth(candidate.reference_answer, candidate)
    assert (right.status, right.reason) == (PASSED, "all agree")
    assert all(right.checks.values())
    answers = code_generation.null_answers(candidate)
    assert {"pass", "return_none", "return_first", "raise", "prompt", "empty"} <= set(answers)
    judged = {name: worth(text, candidate).status for name, text in answers.items()}
    assert PASSED not in judged.values()
    assert judged["empty"] == UNREADABLE


def test_the_published_body_fails_on_a_counterfactual_task_only(counterfactual, original):
    published = code_generation.null_answers(counterfactual)["original"]
    assert published == original.reference_answer
    assert worth(published, counterfactual).status == FAILED
    assert worth(published, original).status == PASSED
    assert worth(counterfactual.reference_answer, original).status == FAILED


def test_a_changed_rule_is_stated_shown_and_hidden(counterfactual):
    assert (
        "Where the published code has `value > help.LIMIT`, this version has "
        "`value >= help.LIMIT`. In other words: a value equal to the limit is too big."
    ) in counterfactual.prompt
    assert "'a': ['too big by 0']" in counterfactual.prompt
    code = counterfactual.key["code"]
    hidden = {item["scenario_id"] for item in code["hidden"]}
    assert not hidden & set(code["shown"])
    assert any("too big by 0" in json.dumps(item["expected"]) for item in code["hidden"])
    assert code["tests"] == ["t.py::test_small", "t.py::test_big"]


def test_unclear_loud_and_internal_variants_are_dropped_with_a_reason(monkeypatch):
    monkeypatch.setattr(code_generation, "TRIED", 9)
    found = list(code_generation.propose(material(percent=100)))
    reasons = {item.reason for item in found if isinstance(item, Rejection)}
    assert "the variant changes most of what the unit does" in reasons
    assert "the variant raises AttributeError" in reasons


def test_an_adversarial_task_changes_two_rules_and_half_of_it_is_not_enough():
    found = candidates(material(percent=100, strata={"adversarial": 100}))
    doubled = next(item for item in found if item.stratum == "adversarial")
    assert "(1) Where the published code" in doubled.prompt
    assert "(2) Where the published code" in doubled.prompt
    assert worth(doubled.reference_answer, doubled).status == PASSED
    nulls = code_generation.null_answers(doubled)
    assert {"original", "half 0", "half 1"} <= set(nulls)
    assert {worth(nulls[name], doubled).status for name in ("original", "half 0", "half 1")} == {
        FAILED
    }


def test_each_unit_with_two_rules_is_tried_for_it_first_however_small_its_share():
    found = candidates(material(percent=1, strata={"trivial": 99, "adversarial": 1}))
    assert found[0].stratum == "adversarial"
    assert {item.kind for item in found} == {"counterfactual", "original"}
    without = candidates(material(percent=0, strata={"trivial": 99, "adversarial": 1}))
    assert {item.kind for item in without} == {"original"}


def test_without_that_stratum_there_is_none():
    assert "adversarial" not in {item.stratum for item in candidates(material(percent=100))}


def test_the_prompt_names_all_that_the_body_depends_on(original):
    for needed in (
        "import re", "from toy import help", "help.LIMIT = 10", "help.TOO_BIG = 'too big by {0}'",
        "def _check_limit(self, name, value):", "{'type': 'integer'}", "`self._error`",
        "def _error(self, name, message): ...", "def put(self, name, value):",
        "self._check_limit(name, value)", ">>> from toy.box import Box", "in the class `Box`",
    ):  # fmt: skip
        assert needed in original.prompt
    assert "value - help.LIMIT" not in original.prompt


def test_each_hidden_message_has_a_shown_one_of_its_shape(original):
    hidden = json.dumps([item["expected"] for item in original.key["code"]["hidden"]])
    assert "too big" in hidden
    assert "too big" in original.prompt
    assert "TypeError" not in hidden or "raises TypeError" in original.prompt


def test_the_stub_is_told_apart_by_hidden_scenarios_alone(original):
    untested = replace(
        original, key={**original.key, "code": {**original.key["code"], "tests": []}}
    )
    for name, text in code_generation.null_answers(original).items():
        assert worth(text, untested).status != PASSED, name


def test_a_body_alone_or_a_whole_class_is_placed_in_the_body(original):
    body = (
        "if value is not None and value > help.LIMIT:\n"
        "    self._error(name, help.TOO_BIG.format(value - help.LIMIT))\n"
    )
    head = "class Box:\n    def _check_limit(self, name, value):\n"
    whole = head + textwrap.indent(body, " " * 8)
    assert worth(f"```python\n{whole}```", original).status == PASSED


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("return eval('1')", "constraints_kept"),
        ("import requests", "imports_ok"),
        ("from urllib3 import x", "constraints_kept"),
        ("run = exec", "constraints_kept"),
        ("__import__('os').system('true')", "constraints_kept"),
    ],
)
def test_forbidden_means_fail_even_where_the_behaviour_is_right(body, check, original):
    right = original.reference_answer.replace(
        "    if value is None", f"    {body}\n    if value is None"
    )
    if body == "return eval('1')":
        right = right.replace("return eval('1')", "eval('1')")
    elif "import" in body and "__" not in body:
        right = right.replace(body, f"if False:\n        {body}")
    found = worth(right, original)
    assert found.checks["scenarios"]
    assert found.checks["tests"]
    assert (found.status, found.checks[check]) == (FAILED, False)


def test_imports_beside_the_unit_count_too(original):
    text = original.reference_answer.replace("```python\n", "```python\nimport numpy\n").replace(
        "return\n", "return numpy\n"
    )
    assert not worth(text, original).checks["imports_ok"]


def test_a_changed_signature_is_described_and_the_files_own_is_kept(original):
    found = worth(
        original.reference_answer.replace("name, value):", "name, value, more=1):"), original
    )
    assert (found.status, found.checks["signature_kept"]) == (PASSED, False)


def test_candidates_depend_on_the_unit_alone():
    first, second = (list(code_generation.propose(material())) for _ in range(2))
    assert first == second
    kinds = {item.kind for item in first if isinstance(item, Candidate)}
    assert kinds == {"original", "counterfactual"}


def test_a_prompt_that_is_too_long_is_a_counted_drop():
    found = list(code_generation.propose(material(prompt_characters=1000)))
    assert {item.gate for item in found} >= {"prompt_size"}
    assert not [item for item in found if isinstance(item, Candidate)]


def test_a_unit_without_enough_to_say_is_a_counted_drop():
    given = material()
    found = list(code_generation.propose(replace(given, scenarios=given.scenarios[:2])))
    assert [(item.gate, item.reason) for item in found] == [
        ("eligible", "fewer than three scenarios reach it")
    ]


def test_a_unit_of_one_statement_is_no_different():
    given = material("shorten")
    assert given.unit["statements"] == 1
    found = candidates(given, "original")
    assert [worth(item.reference_answer, item).status for item in found] == [PASSED]


def test_weak_answers_spoil_the_right_answer_by_one_mutation_each(original):
    given = material()
    weak = code_generation.weak_answers(original, given)
    assert len(weak) == 6
    assert {worth(text, original).status for text in weak.values()} == {FAILED}
    assert answer(given.unit, given.unit["source"]) not in weak.values()


def test_blunt_mutations_of_the_right_answer_come_after_its_mutants(original):
    given = material()
    blunt = replace(given, blunt=lambda unit: blunt_mutants(unit, 1))
    few, all_of_them = (code_generation.weak_answers(original, one) for one in (given, blunt))
    assert list(all_of_them)[: len(few)] == list(few)
    more = list(all_of_them.items())[len(few) :]
    assert more
    assert all(worth(text, original).status in {PASSED, FAILED} for _, text in more)
    killed = [name for name, text in more if worth(text, original).status == FAILED]
    assert len(killed) * 2 > len(more)


@pytest.mark.parametrize(("text", "status"), code_generation.EXAMPLES)
def test_the_examples_are_worth_what_they_say(text, status):
    class LimitedBench(ToyBench):
        def _load(self, files):
            scope = type(ast)("box")
            exec(files[PATH], scope.__dict__)
            return scope

    unit = code_generation.EXAMPLE_UNIT
    bench = LimitedBench({PATH: unit})
    datas = [
        {"entry": "toy.box:limited", "init": None, "observe": [],
         "calls": [["", list(map(codec.encode, args)), {}]]}
        for args in code_generation.EXAMPLE_CALLS
    ]  # fmt: skip
    scope = bench._load(bench.files)
    hidden = tuple(Hidden(str(n), d, bench._observe(scope, d)) for n, d in enumerate(datas))
    code = CodeKey(PATH, None, "limited", 1, 5, 1, 3, True, hidden, ())
    key = {"code": code_key_json(code), "head": "\n".join(unit.split("\n")[:2]), "imports": []}
    extraction = extract(text, code_generation.FORMAT, "limited")
    assert code_generation.judge(extraction, key, bench, Options()).status == status


def test_a_short_answer_fits_into_any_budget_and_a_long_one_does_not(monkeypatch):
    given = material(percent=0, max_tokens=1)
    assert candidates(given)
    monkeypatch.setattr(code_generation, "SHORT_ANSWER", 0)
    assert "answer_size" in {item.gate for item in code_generation.propose(given)}
