"""Every weave is proven by running it, in the sandbox, over a small target of its own."""

import json

import pytest

from assay.categories import _audit_proof
from assay.categories._audit_plan import Attempt
from assay.categories._weave import Site, free_names, node_of, weave
from assay.categories.base import Material
from assay.core import registry
from assay.core.codec import encode
from assay.core.execution import Job, Limits, Scenario

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


@pytest.fixture(scope="module")
def material(tmp_path_factory, testbed_root):
    from assay.testbed.bench import open_bench

    tree = tmp_path_factory.mktemp("tree")
    (tree / "pkg").mkdir()
    (tree / "pkg" / "__init__.py").write_text("")
    (tree / "pkg" / "box.py").write_text(TEXT)
    target = {"tests": {"paths": ["tests"]}, "preload": []}
    bench = open_bench(tree, target, testbed_root, Limits(), workers=2)
    result = bench.run([Job(scenarios=[Scenario("s", DATA)])])[0]
    row = {
        "scenario_id": "s", "mutator": "recorded", "scenario_json": json.dumps(DATA),
        "observation_json": json.dumps(result.observations["s"]),
    }  # fmt: skip
    return Material("t", UNIT, {}, (), (row,), lambda _: [], bench, 1, {})


@pytest.fixture(scope="module")
def proofs(material):
    """All pairs at once: starting a sandbox for each would be most of the time."""
    attempts = [attempt(*pair) for pair in PAIRS]
    jobs = [job for item in attempts for job in _audit_proof.jobs(material, item)]
    results = material.bench.run(jobs)
    return {
        item.identity: _audit_proof.judged(material, item, results[2 * at : 2 * at + 2])
        for at, item in enumerate(attempts)
    }


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0].name}-{pair[1].idiom}")
def test_the_weakness_is_real_and_its_hardened_twin_holds(proofs, pair):
    proof, (gate, reason) = proofs[f"{pair[0].name}:{pair[1].idiom}"]
    assert proof is not None, f"{gate}: {reason}"
    assert proof["counts"]["payloads_fired"] >= 1


@pytest.mark.slow
def test_a_pair_without_a_difference_is_no_proof(material):
    for weakness, item in PAIRS[:1]:
        pair = attempt(weakness, item)
        for twins, gate in (
            ((pair.twins[0],) * 2, "twin_holds"),
            ((pair.twins[1],) * 2, "payload_fires"),
        ):
            same = Attempt(pair.weakness, pair.weave, pair.site, twins, pair.identity)
            results = material.bench.run(_audit_proof.jobs(material, same))
            assert _audit_proof.judged(material, same, results)[1][0] == gate
