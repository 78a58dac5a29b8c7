"""The tiny target and a bit of Cerberus, each with a key, a bench, and a judge of answers.

A case is a file: a head of `name: value` lines, a line `---`, and the answer as it is. Heads:
`expected` (statuses that are right, the first being the usual one), `outcome` and `reason`
(optional: what the worker must have done, and a part of the verdict's reason), `wall_s`
(optional: where only waiting ends it), `gap` (optional: why it still succeeds), `about`.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import os
import tarfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from assay.categories import code_generation
from assay.categories.base import Options
from assay.core.codec import encode
from assay.core.execution import Job, Limits, Scenario

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
    """A bench over a tree, with the key of one unit of it."""

    bench: object
    row: dict
    tree: Path

    def judge(self, answer: str, wall_s: int = LIMITS.wall_s):
        from assay.scoring.verdict import judge_answer

        options = Options(limits=replace(LIMITS, wall_s=wall_s))
        return judge_answer(answer, code_generation, self.row, self.bench, options)

    def is_unaffected(self) -> bool:
        """Tell whether a next task, over the unchanged tree, is observed as ever."""
        hidden = json.loads(self.row["key_json"])["code"]["hidden"]
        scenarios = [Scenario(one["scenario_id"], one["data"]) for one in hidden]
        (seen,) = self.bench.run([Job(scenarios=scenarios, limits=LIMITS)])
        expected = {one["scenario_id"]: one["expected"] for one in hidden}
        return seen.outcome == "ran" and seen.observations == expected

    def again(self):
        """Another bench over the same tree."""
        from assay.testbed.bench import open_bench

        session = self.bench.session
        return open_bench(self.tree, session.target, session.root, LIMITS)

    def fingerprint(self) -> str:
        state = hashlib.sha256()
        for path in sorted(self.tree.rglob("*")):
            state.update(str(path.relative_to(self.tree)).encode())
            state.update(path.read_bytes() if path.is_file() else b"")
        return state.hexdigest()


def descendants() -> int:
    """How many processes this one has started that are still there."""
    found = 0
    for folder in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # a thread of ours may end meanwhile
            found += len((folder / "children").read_text().split())
    return found


def state_of_the_host() -> dict[str, object]:
    """Our processes, shared memory, message queues, the network, modes of device nodes."""
    tables = {}
    for name in ("sysvipc/shm", "sysvipc/msg", "sysvipc/sem", "net/dev"):
        place = Path("/proc", name)
        lines = place.read_text().splitlines() if place.exists() else []
        tables[name] = [line.split()[0] for line in lines]  # interfaces, keys; no counters
    nodes = [Path("/dev", name) for name in ("null", "zero", "full", "random", "urandom")]
    queues = Path("/dev/mqueue")
    return {
        "processes": descendants(), **tables,
        "modes": [node.stat().st_mode for node in nodes if node.exists()],
        "queues": sorted(os.listdir(queues)) if queues.is_dir() else [],
        "shared memory": [name for name in sorted(os.listdir("/dev/shm")) if "assay" in name],
        "descriptors": len(os.listdir("/proc/self/fd")),
    }  # fmt: skip


def make_range(tree: Path, target: dict, root: Path, unit: dict) -> Range:
    from assay.testbed.bench import open_bench

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
    return Range(bench, key_row(tree, unit, hidden), tree)


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


@pytest.fixture(scope="session")
def tiny(tmp_path_factory, testbed_root) -> Range:
    tree = tmp_path_factory.mktemp("tiny")
    for path, text in {
        "pkg/__init__.py": "", "pkg/core.py": CORE, "tests/test_core.py": TESTS,
    }.items():  # fmt: skip
        (tree / path).parent.mkdir(exist_ok=True)
        (tree / path).write_text(text)
    names = ["test_inside", "test_below", "test_above", "test_far"]
    unit = {
        "path": "pkg/core.py", "name": "clamp", "entry": "pkg.core:clamp", "arguments": ARGUMENTS,
        "tests": [f"tests/test_core.py::{name}" for name in names], "imports": [],
    }  # fmt: skip
    return make_range(tree, TARGET, testbed_root, unit)


@pytest.fixture(scope="session")
def cerberus(tmp_path_factory, testbed_root, repository) -> Range:
    from assay.core.settings import read_yaml
    from assay.images.store import cache_root

    settings = read_yaml(repository / "config" / "targets" / "cerberus.yaml")
    digest = settings["source"]["archive"]["sha256"]
    place = cache_root() / "archives" / digest
    if not place.is_file():
        pytest.skip("Cerberus' archive is not in the cache: `make run` fetches it")
    folder = tmp_path_factory.mktemp("cerberus")
    with tarfile.open(place) as archive:
        archive.extractall(folder, filter="data")
    (tree,) = folder.iterdir()
    unit = {
        "path": "cerberus/utils.py", "name": "compare_paths_lt", "arguments": PATHS,
        "entry": "cerberus.utils:compare_paths_lt",
        "tests": ["cerberus/tests/test_utils.py::test_compare_paths"],
        "imports": ["from cerberus.platform import _int_types, _str_type"],
    }  # fmt: skip
    return make_range(tree, CERBERUS, testbed_root, unit)


def pytest_generate_tests(metafunc):
    """Give each test of a case one case, named by its file."""
    for fixture, folder in (("tiny_case", "cases"), ("cerberus_case", "cerberus")):
        if fixture in metafunc.fixturenames:
            cases = read_cases(Path(__file__).parent / folder)
            metafunc.parametrize(fixture, [param(case) for case in cases])


def param(case: Case):
    """A case whose head says `gap` is known to succeed still, and why."""
    gap = case.head.get("gap")
    marks = [pytest.mark.xfail(reason=gap, strict=True)] if gap else []
    return pytest.param(case, id=case.name, marks=marks)


@pytest.fixture(scope="session")
def host():
    """Return a function that describes what answers could leave behind on this machine."""
    return state_of_the_host


@pytest.fixture(scope="session")
def attack_cases() -> dict[str, str]:
    return {case.name: case.answer for case in read_cases(Path(__file__).parent / "cases")}


@pytest.fixture(scope="session")
def limits() -> Limits:
    return LIMITS
