"""What the pinned environment holds, seen from inside: every module imported in the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import assay
from assay.core.errors import HarnessError
from assay.core.execution import RAN, Limits
from assay.sandbox.launch import run
from assay.sandbox.view import View
from assay.sources.tree import FILE, Entry
from assay.testbed.hidden import test_folders
from assay.testbed.session import PACKAGES, PYTHON

INSIDE = "testbed/inside"
PROGRAM = "/harness/inspecting.py"
STANDARD = "usr/lib/python3.11"
# Hundreds of packages, one after the other; what they hold is large, and trusted to be so.
CPU_S, WALL_S, OUTPUT_MB = 1200, 300, 512
Package = dict[str, Any]


def inspect_environment(
    tree: Path, target: Mapping[str, Any], modules: Iterable[str], root: Path, limits: Limits
) -> list[Package]:
    """Return one record a top-level package of target, requirements and standard library.

    tree:    folder of the unchanged tree; its tests are hidden
    modules: names of the target's modules
    root:    root file system with Python and /opt/testbed
    A record has origin, package, modules (name -> members) and classes (identity -> what it is);
    what could not be imported is missing. Raises HarnessError if the sandbox fails.
    """
    roots = [f"/code/{path}".rstrip("/.") for path in target.get("source_roots") or ["."]]
    hidden = tuple(f"/code/{path}" for path in test_folders(tree, target))
    program = Path(assay.__file__).parent / INSIDE / "inspecting.py"
    binds = ((program, PROGRAM), (root / PACKAGES[1:], PACKAGES), (tree.resolve(), "/code"))
    paths = ":".join([PACKAGES, *roots])
    environment = {"PYTHONPATH": paths, "PYTHONHASHSEED": "0"}
    view = View(root, binds, hidden=hidden, environment=environment)
    bounds = replace(limits, cpu_s=CPU_S, wall_s=WALL_S, output_mb=OUTPUT_MB)
    asked = {"target": sorted(modules), "folders": [PACKAGES]}
    outcome = run([PYTHON, PROGRAM], view, bounds, json.dumps(asked).encode())
    if outcome.kind != RAN:
        tail = outcome.streams.get("stderr", b"")[-1500:].decode("utf-8", "replace")
        raise HarnessError(f"the inspection failed: {outcome.kind}, {outcome.detail}: {tail}")
    lines = outcome.streams["channel"].decode("ascii").splitlines()
    return [json.loads(line) for line in lines]


def python_files(root: Path) -> dict[str, Entry]:
    """Return the Python files of the environment, below a folder for each origin."""
    found = {}
    for origin, folder in (("requirement", PACKAGES[1:]), ("standard_library", STANDARD)):
        base = root / folder
        for path in base.rglob("*.py"):
            if path.is_file():
                name = f"{origin}/{path.relative_to(base).as_posix()}"
                found[name] = Entry(FILE, path.read_bytes())
    return found
