"""One target in one root file system: how its sandboxes are started."""

from __future__ import annotations

import ast
import contextlib
import copy
import dataclasses
import json
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import assay
from assay.core.errors import HarnessError, UserError
from assay.core.execution import Job, Limits
from assay.sandbox.launch import Outcome, run
from assay.sandbox.view import View
from assay.testbed import bytecode
from assay.testbed.hidden import named_in_tests, test_folders

PYTHON = "/usr/bin/python3"
HARNESS = "/harness"
PACKAGES = "/opt/testbed"
MOUNTED = (
    "__init__.py",
    "core/__init__.py",
    "core/codec.py",
    "core/coverage.py",
    "testbed/__init__.py",
)
INSIDE = "testbed/inside"
SUPERVISOR = "assay.testbed.inside.supervise"
PYTEST = "assay.testbed.inside.testing"
COMPILER = "assay.testbed.inside.compiling"
SLACK_S = 10
LATE = ("asyncio",)  # what the harness imports when it is first needed (inside/settled.py)
# Importing these has side effects or needs what the sandbox lacks.
NEVER_PRELOADED = frozenset({"__future__", "this", "antigravity", "idlelib", "tkinter", "turtle"})


@dataclass(frozen=True)
class Extras:
    """What is asked for beyond a job: call tracing, entry points to record at, lines of files."""

    trace: bool = False
    record: tuple[Mapping[str, Any], ...] = ()
    lines_of: tuple[str, ...] = ()  # of these, each test tells what it executes (warm tests alone)


@dataclass
class Session:
    """A target's tree, its settings, and the root file system that its sandboxes see."""

    tree: Path
    target: Mapping[str, Any]
    root: Path
    limits: Limits
    bytecode: Path | None = field(default=None, repr=False)  # of what every sandbox imports
    compiled: Path | None = field(default=None, repr=False)  # of that and the target
    instead: tuple[tuple[Path, str], ...] = ()  # files shown in place of the tree's own
    warming: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        if not (self.root / PYTHON[1:]).exists() or not (self.root / PACKAGES[1:]).is_dir():
            raise UserError(
                "this root file system can't run the target", where=self.root,
                expected=f"{PYTHON} and {PACKAGES}", hint="build the target's testbed image",
            )  # fmt: skip
        self.tree = self.tree.resolve(strict=True)
        self.size_mb = sum(p.stat().st_size for p in self.tree.rglob("*") if p.is_file()) >> 20
        self.test_folders = test_folders(self.tree, self.target)
        self.packages = scanned_packages(self.target)
        self.named = named_in_tests(self.tree, self.target, self.test_folders)
        self.preload = [*_standard_modules(self.tree), *self.target.get("preload", [])]

    def start(self, request: dict[str, Any], jobs: Sequence[Job]) -> Outcome:
        """Run one sandbox over some jobs."""
        with_tests = any(job.tests for job in jobs)
        return run(
            [PYTHON, "-m", SUPERVISOR], self.view(jobs[0].hash_seed, with_tests),
            self._bounds(jobs), self._stdin(request, with_tests),
        )  # fmt: skip

    @contextlib.contextmanager
    def planted(self, files: Mapping[str, bytes]) -> Iterator[Session]:
        """Give a session whose sandboxes see these files in place of the tree's own."""
        self.view(0, with_tests=False)  # what it compiles is shared with the changed session
        with tempfile.TemporaryDirectory(prefix="assay-planted-") as folder:
            Path(folder).chmod(0o755)
            shown = []
            for number, (path, data) in enumerate(sorted(files.items())):
                place = Path(folder, str(number))
                place.write_bytes(data)
                place.chmod(0o644)
                shown.append((place, f"/code/{path}"))
            changed = copy.copy(self)  # `replace` would read the whole tree again
            changed.instead = tuple(shown)
            yield changed

    def _stdin(self, request: dict[str, Any], with_tests: bool) -> bytes:
        return _lines(self.preload_of(with_tests=with_tests), request)

    def preload_of(self, *, with_tests: bool) -> list[str]:
        """Return the modules that a sandbox imports before any job."""
        return self.preload + ([PYTEST] if with_tests else [])

    def _bounds(self, jobs: Sequence[Job]) -> Limits:
        """Bounds of the sandbox: the supervisor needs room above what each job may take."""
        return dataclasses.replace(
            self.limits,
            cpu_s=120 + sum(job.limits.cpu_s for job in jobs),
            wall_s=SLACK_S + max(job.limits.wall_s for job in jobs),
            output_mb=8 + 2 * sum(job.limits.output_mb for job in jobs),
            tmp_mb=self.limits.tmp_mb + 2 * self.size_mb,
        )

    def view(self, hash_seed: int, with_tests: bool, *, compiled: bool = False) -> View:
        """Return what a sandbox sees: the harness, the packages, the tree without its tests.

        compiled: the tree's bytecode as well; not for a model's answer, which could read it
        """
        with self.warming:
            self.bytecode = self.bytecode or self._warm()
            if compiled:
                self.compiled = self.compiled or self._compile()
        return self.seen(hash_seed, with_tests, self.compiled if compiled else self.bytecode)

    def seen(self, hash_seed: int, with_tests: bool, compiled: Path | None = None) -> View:
        """Return the same with this bytecode, or without any."""
        rooms = Path(assay.__file__).parent
        binds = [(rooms / name, f"{HARNESS}/assay/{name}") for name in MOUNTED]
        binds.append((rooms / INSIDE, f"{HARNESS}/assay/{INSIDE}"))
        binds += [(self.root / PACKAGES[1:], PACKAGES), (self.tree, "/code"), *self.instead]
        hidden = () if with_tests else tuple(f"/code/{path}" for path in self.test_folders)
        environment = {"PYTHONPATH": f"{HARNESS}:{PACKAGES}", "PYTHONHASHSEED": str(hash_seed)}
        if compiled is None:
            return View(self.root, tuple(binds), environment=environment, hidden=hidden)
        environment["PYTHONPYCACHEPREFIX"] = bytecode.PLACE
        binds.append((compiled, bytecode.PLACE))
        return View(self.root, tuple(binds), environment=environment, hidden=hidden)

    def _warm(self) -> Path:
        """Compile, in a sandbox, what every sandbox imports; the target is not there."""
        view = self.seen(0, with_tests=False)
        binds = tuple(bind for bind in view.binds if bind[1] != "/code")
        given = _lines([*self.preload_of(with_tests=True), *LATE], {"jobs": []})
        return bytecode.made(
            self, [PYTHON, "-m", SUPERVISOR], dataclasses.replace(view, binds=binds, hidden=()),
            given,
        )  # fmt: skip

    def _compile(self) -> Path:
        """Compile, in a sandbox, the target and its tests; none of its code runs."""
        return bytecode.made(
            self, [PYTHON, "-m", COMPILER], self.seen(0, with_tests=True), b"", self.bytecode
        )


def _lines(preload: list[str], request: dict[str, Any]) -> bytes:
    """Return what a supervisor reads: what to preload, then one request."""
    return "".join(json.dumps(part) + "\n" for part in ({"preload": preload}, request)).encode()


def testing_arguments(target: Mapping[str, Any]) -> list[str]:
    """Return pytest's arguments for a target: files that are left out are not even imported."""
    left_out = [item["test"] for item in target["tests"].get("deselect", [])]
    ignored = [f"--ignore={test}" for test in left_out if "::" not in test]
    return [*ignored, *target["tests"].get("arguments", [])]


def scanned_packages(target: Mapping[str, Any]) -> list[str]:
    """Return the top-level packages and modules that a target's scanned code is in."""
    roots = [PurePosixPath(root) for root in target.get("source_roots") or ["."]]
    found = set()
    for path in map(PurePosixPath, target.get("scan", ())):
        inner = [path.relative_to(root) for root in roots if path.is_relative_to(root)]
        found |= {one.parts[0].removesuffix(".py") for one in inner if one.parts}
    return sorted(name for name in found if name.isidentifier())


def request_of(
    jobs: Sequence[Job], session: Session, extras: Extras, *, series: bool = False
) -> dict[str, Any]:
    """Return what the supervisor gets on its standard input.

    series: the scenarios of a job share a process, as they do at a warm server
    """
    target = session.target
    tests = target["tests"]
    shared = {
        "python_path": target.get("source_roots") or ["."], "test_paths": tests["paths"],
        "test_folders": session.test_folders,
        "test_arguments": testing_arguments(target), "trace": extras.trace,
        "series": series,
        "deselect": [item["test"] for item in tests.get("deselect", [])],
        "record": list(extras.record), "values": target.get("values", []),
        "prepare": target.get("prepare", {}),
    }  # fmt: skip
    named = {} if any(job.tests for job in jobs) else session.named
    return {"placed": named, "jobs": [{**plain(job), **shared} for job in jobs]}


def plain(job: Job) -> dict[str, Any]:
    """Return a job as the sandbox gets it; HarnessError if a file lies outside of the tree."""
    for path in job.files:
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts:
            raise HarnessError(f"a job's file lies outside of the tree: {path}")
    return {
        "files": dict(job.files), "tests": list(job.tests),
        "order_seed": job.order_seed, "as_listed": job.as_listed,
        "scenarios": [_scenario(scenario) for scenario in job.scenarios],
        "probes": [
            {
                "probe_id": probe.probe_id, "scenario": _scenario(probe.scenario),
                "module": probe.module, "qualname": probe.qualname,
                "parameter": probe.parameter, "value": probe.value, "secret": probe.secret,
            }
            for probe in job.probes
        ],
        "stop_at_first_failure": job.stop_at_first_failure, "cpu_s": job.limits.cpu_s,
        "wall_s": job.limits.wall_s, "asleep_s": job.limits.asleep_s,
        "output_mb": job.limits.output_mb,
    }  # fmt: skip


def _scenario(scenario: Any) -> dict[str, Any]:
    return {"scenario_id": scenario.scenario_id, "data": dict(scenario.data)}


def _standard_modules(tree: Path) -> list[str]:
    """Return the standard modules that the tree's files import: they are worth preloading."""
    found: set[str] = set()
    for path in sorted(tree.rglob("*.py")):
        try:
            nodes = list(ast.walk(ast.parse(path.read_bytes())))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue  # such files are reported by extract_units
        for node in nodes:
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module)
    tops = set(sys.stdlib_module_names) - NEVER_PRELOADED
    return sorted(name for name in found if name.partition(".")[0] in tops)
