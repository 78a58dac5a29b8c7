"""Hostile and right answers, targets to try them on, and what each must come to.

A case is a file: a head of `name: value` lines, a line `---`, and the answer as it is. Heads:
`expected` (statuses that are right, the first being the usual one), `outcome` and `reason`
(optional: what the worker must have done, and a part of the verdict's reason), `wall_s`
(optional: where only waiting ends it), `gap` (optional: why it still succeeds), `about`.

Standard library, assay and its wheels only: certify.py runs this inside the testbed container.
"""

from __future__ import annotations

import ast
import json
import tarfile
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from traces import Effects, difference

from assay.categories import code_generation
from assay.categories.base import Options
from assay.core.codec import encode
from assay.core.execution import Job, Limits, Scenario
from assay.core.records import VERDICTS
from assay.core.tables import write_table
from assay.scoring.score import Item, score_one
from assay.scoring.verdict import judge_answer
from assay.testbed.bench import open_bench

CASES = Path(__file__).resolve().parent
LIMITS = Limits(cpu_s=2, wall_s=30, memory_mb=768, output_mb=4, processes=32)
TARGET = {"tests": {"paths": ["tests"]}, "scan": ["pkg"], "source_roots": ["."], "preload": []}
CORE = '''\
"""A tiny module."""


def clamp(value, low, high):
    """Return the value, or the nearer bound."""
    if value < low:
        return low
    if value > high:
        return high
    return value


def spread(values):
    """Return the largest difference."""
    return max(values) - min(values)
'''
TESTS = """\
from pkg.core import clamp


def test_inside():
    assert clamp(2, 1, 3) == 2


def test_below():
    assert clamp(0, 1, 3) == 1


def test_above():
    assert clamp(9, 1, 3) == 3


def test_far():
    assert clamp(1000, 1, 3) == 3
"""
ARGUMENTS = [(2, 1, 3), (0, 1, 3), (9, 1, 3), (1.5, 1, 3), ("b", "a", "c"), (-5, -3, -1), (7, 7, 7)]
CERBERUS = {
    "tests": {"paths": ["cerberus/tests"]}, "scan": ["cerberus"], "preload": ["pkg_resources"],
}  # fmt: skip
PATHS = [((), ("a",)), (("a",), ()), (("a", 1), ("a", 2)), (("a", "b"), ("a", 0)), ((0,), ("x",)),
         (("a", ("b",)), ("a", ("c",))), (("b",), ("a", "z"))]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One answer and what it must be worth."""

    name: str
    answer: str
    head: dict[str, str] = field(default_factory=dict)

    @property
    def expected(self) -> list[str]:
        return self.head["expected"].split()

    @property
    def hostile(self) -> bool:
        return not self.name.startswith("must_pass")

    @property
    def wall_s(self) -> int:
        return int(self.head.get("wall_s", LIMITS.wall_s))


def read_cases(folder: Path) -> list[Case]:
    cases = []
    for path in sorted(folder.glob("*.txt")):
        head, _, answer = path.read_text().partition("---\n")
        pairs = [line.partition(": ") for line in head.splitlines()]
        cases.append(Case(path.stem, answer, {name: value for name, _, value in pairs}))
    return cases


@dataclass
class Range:
    """A bench over a tree, with the key of one unit of it, and an answer that is right."""

    bench: object
    row: dict
    tree: Path
    right: str = ""

    def judge(self, answer: str, wall_s: int = LIMITS.wall_s):
        options = Options(limits=replace(LIMITS, wall_s=wall_s))
        return judge_answer(answer, code_generation, self.row, self.bench, options)

    def items(self, answers: dict[str, str]) -> list[Item]:
        """Return the answers as the scorer gets them; the one named `void` as a void response."""
        made = []
        for name, answer in answers.items():
            same = {"target": "tiny", "task_id": name, "category": "code_generation"}
            response = {
                **same, "model": "m", "response": answer, "finish_reason": "stop",
                "fingerprint": "f", "void": "it was cut" if name == "void" else None,
            }  # fmt: skip
            made.append(Item(same, {**self.row, "stratum": "standard"}, response))
        return made

    def next_task(self) -> bytes:
        """Score the right answer, as the next task would be; return the bytes of its verdict."""
        (item,) = self.items({"next": self.right})
        scored = score_one(item, code_generation, self.bench, Options(limits=LIMITS))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "verdicts.parquet"
            write_table(path, VERDICTS, [scored.row])
            return path.read_bytes() + scored.row["status"].encode()

    def again(self):
        """Another bench over the same tree."""
        session = self.bench.session
        return open_bench(self.tree, session.target, session.root, LIMITS)


@dataclass
class Attempt:
    """What one answer came to: problems are what must not be, effects what it left behind."""

    case: Case
    status: str
    problems: list[str]
    effects: Effects
    seconds: float


def attempt(case: Case, place: Range, look: Callable[[], Effects], alone: bytes) -> Attempt:
    """Score an answer, compare what `look` sees before and after, and score the next task.

    alone: what `next_task` gave before any hostile answer
    """
    began, before = time.monotonic(), look()
    judgement = place.judge(case.answer, case.wall_s)[0]
    effects = difference(before, look())
    wrong = []
    if judgement.status not in case.expected:
        wrong.append(f"{judgement.status} instead of {' or '.join(case.expected)}")
    if "forbids" in judgement.reason:
        wrong.append("it was stopped by taste, not by the sandbox")
    if judgement.outcome != case.head.get("outcome", judgement.outcome):
        wrong.append(f"outcome {judgement.outcome} instead of {case.head['outcome']}")
    if case.head.get("reason", "") not in judgement.reason:
        wrong.append(f"reason {judgement.reason!r} lacks {case.head['reason']!r}")
    wrong += [f"left behind: {kind}: {found}" for kind, found in effects.items() if found]
    if place.next_task() != alone:
        wrong.append("the next task is affected")
    return Attempt(case, judgement.status, wrong, effects, time.monotonic() - began)


def make_range(tree: Path, target: dict, root: Path, unit: dict) -> Range:
    bench = open_bench(tree, target, root, LIMITS)
    scenarios = [
        Scenario(f"s{number}", {
            "entry": unit["entry"], "init": None, "observe": [],
            "calls": [["", encode(list(given)), encode({})]],
        })
        for number, given in enumerate(unit["arguments"])
    ]  # fmt: skip
    result = bench.run([Job(scenarios=scenarios, tests=unit["tests"], limits=LIMITS)])[0]
    assert result.outcome == "ran", result.detail
    assert set(result.tests.values()) <= {"passed"}
    assert set(result.tests) == set(unit["tests"])
    hidden = [
        {"scenario_id": one.scenario_id, "data": one.data,
         "expected": result.observations[one.scenario_id]}
        for one in scenarios
    ]  # fmt: skip
    right = next(one for one in read_cases(unit["cases"]) if one.name == "must_pass_right")
    return Range(bench, key_row(tree, unit, hidden), tree, right.answer)


def key_row(tree: Path, unit: dict, hidden: list) -> dict:
    text = (tree / unit["path"]).read_text()
    node = next(
        node for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.name == unit["name"]
    )  # fmt: skip
    body = node.body[1] if ast.get_docstring(node) is not None else node.body[0]
    code = {
        "path": unit["path"], "text": None, "name": unit["name"], "first": node.lineno,
        "last": node.end_lineno, "def_line": node.lineno, "body_line": body.lineno,
        "body_only": True, "hidden": hidden, "tests": unit["tests"], "shown": [],
    }  # fmt: skip
    head = f"def {unit['name']}({ast.unparse(node.args)}):"
    key = {"code": code, "head": head, "imports": unit["imports"], "original": None}
    return {
        "unit_id": f"{unit['path']}::{unit['name']}", "kind": "original", "is_control": False,
        "accepted_lines": [], "key_json": json.dumps(key),
    }  # fmt: skip


def tiny_range(tree: Path, root: Path) -> Range:
    """Make the tiny target in an empty folder; return the range of its `clamp`."""
    for path, text in {
        "pkg/__init__.py": "", "pkg/core.py": CORE, "tests/test_core.py": TESTS,
    }.items():  # fmt: skip
        (tree / path).parent.mkdir(exist_ok=True)
        (tree / path).write_text(text)
    names = ["test_inside", "test_below", "test_above", "test_far"]
    unit = {
        "path": "pkg/core.py", "name": "clamp", "entry": "pkg.core:clamp", "arguments": ARGUMENTS,
        "tests": [f"tests/test_core.py::{name}" for name in names], "imports": [],
        "cases": CASES / "cases",
    }  # fmt: skip
    return make_range(tree, TARGET, root, unit)


def unpacked(archive: Path, folder: Path) -> Path:
    """Unpack a source archive into an empty folder; return its top-level folder."""
    with tarfile.open(archive) as opened:
        opened.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (tree,) = folder.iterdir()
    return tree


def cerberus_range(archive: Path, folder: Path, root: Path) -> Range:
    """Unpack Cerberus' archive into an empty folder; return the range of one unit of it."""
    tree = unpacked(archive, folder)
    unit = {
        "path": "cerberus/utils.py", "name": "compare_paths_lt", "arguments": PATHS,
        "entry": "cerberus.utils:compare_paths_lt",
        "tests": ["cerberus/tests/test_utils.py::test_compare_paths"],
        "imports": ["from cerberus.platform import _int_types, _str_type"],
        "cases": CASES / "cerberus",
    }  # fmt: skip
    return make_range(tree, CERBERUS, root, unit)
