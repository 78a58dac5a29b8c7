"""A target of one method, and the woven pair that a weakness and a weave make of it."""

import json

from assay.categories._audit_plan import Attempt
from assay.categories._weave import Site, free_names, node_of, weave
from assay.categories.base import Material
from assay.core import registry
from assay.core.codec import encode
from assay.core.execution import Job, Limits, Scenario
from assay.testbed.bench import open_bench

WEAKNESSES = [module.weakness({}) for module in registry.discover("vulnerabilities").values()]
PAIRS = [(weakness, item) for weakness in WEAKNESSES for item in weakness.weaves]
TEXT = '''"""A small module."""

from copy import copy


class Box:
    """Keeps notes."""

    def keep(self, name):
        """Keep a note."""
        # the newest one only
        self.kept = copy(name)
        return self.kept
'''
UNIT = {
    "unit_id": "pkg/box.py::Box.keep", "kind": "method", "path": "pkg/box.py", "module": "pkg.box",
    "qualname": "Box.keep", "parent": "Box", "def_line": 9, "start_line": 9, "end_line": 13,
    "file_imports": ["from copy import copy"], "is_async": False, "decorators": [],
    "lines": 9,  # a fake: it is as long as a unit of the higher strata has to be
}  # fmt: skip
DATA = {
    "entry": "pkg.box:Box", "init": [encode([]), encode({})],
    "calls": [["keep", encode([value]), encode({})] for value in ("abc", 3)], "observe": [],
}  # fmt: skip


def attempt(weakness, item):
    node = node_of(TEXT, UNIT)
    site = Site(UNIT, TEXT, node, 0, "name")
    names = {**free_names(UNIT, node, weakness.name, item.idiom), "param": "name"}
    twins = tuple(weave(site, item.lines(vulnerable=flag), names) for flag in (True, False))
    return Attempt(weakness, item, site, twins, f"{weakness.name}:{item.idiom}")


def material_over(tree, root):
    """Write the target into a folder; return its material, with a bench over it."""
    (tree / "pkg").mkdir()
    (tree / "pkg" / "__init__.py").write_text("")
    (tree / "pkg" / "box.py").write_text(TEXT)
    target = {"tests": {"paths": ["tests"]}, "preload": []}
    bench = open_bench(tree, target, root, Limits())
    bench.workers = 2
    result = bench.run([Job(scenarios=[Scenario("s", DATA)])])[0]
    row = {
        "scenario_id": "s", "mutator": "recorded", "scenario_json": json.dumps(DATA),
        "observation_json": json.dumps(result.observations["s"]),
    }  # fmt: skip
    return Material("t", UNIT, {}, (), (row,), lambda _: [], bench, 1, {})
