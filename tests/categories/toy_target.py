"""A tiny package of two files for tests of code_understanding, run in this process.

`ProcessBench` stands in for the sandbox where no hostile code is at hand; the tests marked slow
run the same package in the real one.
"""

import ast
import json
import sys
from pathlib import Path

from assay.categories import _describe
from assay.categories.base import Material
from assay.core import codec
from assay.core.execution import RAN, JobResult
from assay.core.seeds import shuffled
from assay.synthesis.mutants import all_mutants

ROOT = Path(__file__).parents[2]
BOX, HELP = "pkg/box.py", "pkg/help.py"
FILLER = "".join(f"\ndef filler_{n}(a):\n    return a\n\n" for n in range(55))
FILES = {
    "pkg/__init__.py": "",
    HELP: '''"""Helpers."""


def moved(n, by=1):
    """Return the next place."""
    if n is None:
        return 0
    return n + by
''',
    BOX: '''"""A box."""
from pkg.help import moved

''' + FILLER + '''
class Box:
    """Holds numbers."""

    def __init__(self, most=7):
        self.most = most
        self.kept = []
        self.errors = {}

    def put(self, name, n):
        """Keep a number by its place; return the next one."""
        if not (isinstance(n, (int, float)) and name):
            self.errors[name] = "no number"
            return None
        place = moved(n) + 1
        if place > self.most and name != "free":
            self.errors[name] = "too far"
        if place > 4:
            self.kept.append(place)
        back = place - 1
        return back
''',
}  # fmt: skip
TESTS = {
    "tests/test_box.py::test_small": 'box.Box().put("a", 2) == 3',
    "tests/test_box.py::test_none": 'box.Box().put("a", "x") is None',
    "tests/test_box.py::test_free": 'box.Box().put("free", 0) == 1',
}
TEST_FILE = "from pkg import box\n" + "".join(
    f"\n\ndef {name.rpartition(':')[2]}():\n    assert {text}\n" for name, text in TESTS.items()
)
VALUES = [None, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, "no", 2.5, -3]
UNIT = f"{BOX}::Box.put"


class ProcessBench:
    """Runs jobs in this process."""

    def read(self, path):
        if path not in FILES:
            raise FileNotFoundError(path)
        return FILES[path]

    def run(self, jobs):
        return [self._run({**FILES, **job.files}, job) for job in jobs]

    def _run(self, files, job):
        try:
            box = loaded(files)
        except Exception as error:  # noqa: BLE001 - whatever the text does
            return JobResult("crashed", detail=str(error))
        seen = {item.scenario_id: observe(box, item.data) for item in job.scenarios}
        tests = {name: outcome(box, TESTS[name]) for name in job.tests}
        return JobResult(RAN, seen, tests, module_files={"pkg.box": BOX, "pkg.help": HELP})


def loaded(files):
    """Import the package from texts, and leave no trace in sys.modules."""
    modules = {name: type(sys)(name) for name in ("pkg", "pkg.help", "pkg.box")}
    kept = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        for path in (HELP, BOX):
            name = path[:-3].replace("/", ".")
            exec(compile(files[path], path, "exec"), modules[name].__dict__)
    finally:
        for name, module in kept.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    return modules["pkg.box"]


def outcome(box, text):
    try:
        return "passed" if eval(text, {"box": box}) else "failed"
    except Exception:  # noqa: BLE001 - as a test runner does
        return "failed"


def observe(box, data):
    made = arguments(data["init"])
    target = box.Box(*made[0], **made[1])
    calls, given_to = [], [made]
    for method, *given in data["calls"]:
        args, kwargs = arguments(given)
        given_to.append((args, kwargs))
        try:
            calls.append({"returned": codec.encode(getattr(target, method)(*args, **kwargs))})
        except Exception as error:  # noqa: BLE001 - it is the observation
            calls.append({"raised": [type(error).__name__, str(error)]})
    state = {name: codec.encode(getattr(target, name)) for name in data["observe"]}
    after = [codec.encode([args, kwargs]) for args, kwargs in given_to]
    return {"calls": calls, "state": state, "arguments": after}


def arguments(given):
    args = [codec.decode(item) for item in _describe.positional(given[0])]
    return args, {name: codec.decode(item) for name, item in _describe.named(given[1]).items()}


def scenario(number, name, value):
    call = ["put", codec.encode([name, value]), codec.encode({})]
    data = {"entry": "pkg.box:Box", "init": [codec.encode([]), codec.encode({})],
            "calls": [call], "observe": ["errors", "kept"]}  # fmt: skip
    seen = observe(loaded(FILES), data)
    return {"scenario_id": f"{number:016x}", "scenario_json": json.dumps(data), "units": [],
            "observation_json": json.dumps(seen)}  # fmt: skip


def rows():
    for path in (HELP, BOX):
        tree = ast.parse(FILES[path])
        module = path[:-3].replace("/", ".")
        yield {"unit_id": path, "kind": "file", "path": path, "module": module, "qualname": "",
               "calls": []}  # fmt: skip
        imports = [ast.unparse(n) for n in tree.body if isinstance(n, ast.ImportFrom)]
        holders = [("", tree), *((n.name, n) for n in tree.body if isinstance(n, ast.ClassDef))]
        for parent, holder in holders:
            for node in holder.body:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("filler"):
                    yield row(path, module, imports, node, parent)


def row(path, module, imports, node, parent):
    lines = FILES[path].splitlines(keepends=True)
    documented = ast.get_docstring(node) is not None
    qualname = f"{parent}.{node.name}".lstrip(".")
    return {
        "unit_id": f"{path}::{qualname}", "path": path, "module": module, "parent": parent,
        "kind": "method" if parent else "function", "qualname": qualname, "decorators": [],
        "file_imports": imports, "signature": lines[node.lineno - 1].strip(), "docstring": None,
        "source": "".join(lines[node.lineno - 1 : node.end_lineno]), "body": "",
        "start_line": node.lineno, "def_line": node.lineno, "end_line": node.end_lineno,
        "body_start_line": node.body[int(documented)].lineno, "complexity": 3,
        "lines": node.end_lineno - node.lineno + 1, "is_async": False,
        "statements": sum(isinstance(n, ast.stmt) for n in ast.walk(node)) - 1,
        "calls": sorted({ast.unparse(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}),
    }  # fmt: skip


def material(seed=1, bench=None, stratum="adversarial", **tasks):
    units = {item["unit_id"]: item for item in rows()}
    pairs = [(key, value) for key in ("a", "free", "") for value in VALUES]
    scenarios = [scenario(n, *pair) for n, pair in enumerate(pairs)]
    strata = dict.fromkeys(("trivial", "standard", "hard", "adversarial"), 0) | {stratum: 100}
    settings = {
        "seed": seed,
        "tasks": {"shown": 4, "hidden": 24, "control_percent": 0, "prompt_characters": 6000,
                  "max_tokens": 512, "strata": strata, "candidates_per_unit": 6, **tasks},
        "gates": {"repeats": 2, "oracle_sample": 12, "oracle_percent": 50, "max_broken_tests": 40},
        "limits": {}, "prompts": {
            "code_understanding": (ROOT / "config/prompts/code_understanding.md").read_text(),
        },
    }  # fmt: skip
    return Material(
        "toy", units[UNIT], units, tuple(TESTS),
        tuple(shuffled(scenarios, seed, key=lambda item: item["scenario_id"])),
        lambda unit: all_mutants(unit, seed), bench or ProcessBench(), seed, settings,
    )  # fmt: skip
