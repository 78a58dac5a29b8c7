"""Tests that are made to fail: every form of test function, and what a claim is worth then."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import assay
from assay.core.execution import Job, JobResult
from assay.testbed.exposing import judged, needed, planted

FORMS = {
    "plain": "def test_a():\n    assert True\n",
    "return on the way": "def test_a():\n    if 1:\n        return\n    assert True\n",
    "skips": "import pytest\ndef test_a():\n    pytest.skip('x')\n",
    "beside the colon": "def test_a(): assert 'ä'; assert True\n",
    "long signature beside": "def test_a(\n    x=1,\n): assert x\n",
    "tabs": "def test_a():\n\tif 1:\n\t\tassert True\n",
    "text at column 0": 'def test_a():\n    x = """a\nb\n"""\n    assert x == "a\\nb\\n"\n',
    "documented": 'def test_a():\n    """One.\n\n    Two.\n    """\n    assert True\n',
    "decorated inside": "def test_a():\n    @staticmethod\n    def f(): pass\n    assert f\n",
    "parametrised": "import pytest\n@pytest.mark.parametrize('x', [1, 2])\n"
                    "def test_a(x):\n    assert x\n",
    "no line end": "def test_a():\n    assert True",
    "CRLF": "def test_a():\r\n    x = '''a\r\n'''\r\n    assert x\r\n",
    "another encoding": "# -*- coding: latin-1 -*-\ndef test_a():\n    assert 'é'\n",
    "global": "X = 0\ndef test_a():\n    global X\n    X = 1\n",
    "nested": "def test_a():\n    def test_a():\n        return 1\n    assert test_a()\n",
    "in a class": "class TestIt:\n    def test_a(self):\n        assert True\n",
    "unittest": "import unittest\nclass TestIt(unittest.TestCase):\n"
                "    def test_a(self):\n        self.assertTrue(1)\n",
    "continued": "def test_a():\n    x = 1 + \\\n  2\n    assert x == (\n1 +\n        2)\n",
}  # fmt: skip


def write(tree, text: str, encoding: str = "utf-8", name: str = "x"):
    (tree / "t").mkdir(exist_ok=True)
    (tree / "t" / f"test_{name}.py").write_bytes(text.encode(encoding))


def test_every_form_of_test_is_made_to_fail(tmp_path):
    tests = []
    for number, (form, text) in enumerate(FORMS.items()):
        write(tmp_path, text, "latin-1" if "encoding" in form else "utf-8", str(number))
        middle = "TestIt::" if "TestIt" in text else ""
        tests.append(f"t/test_{number}.py::{middle}test_a")
    changed = planted(tmp_path, Job({"a.py": ""}, tests=tests), ["t"])
    assert len(changed) == len(FORMS)
    for path, data in changed.items():
        ast.parse(data)
        (tmp_path / path).write_bytes(data)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line", "t"]
    there = {**os.environ, "PYTHONPATH": str(Path(assay.__file__).parents[1])}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=there)
    assert f"{len(FORMS) + 1} failed in" in done.stdout.splitlines()[-1], done.stdout
    assert done.stdout.count(": AssertionError") == len(FORMS) + 1


def test_only_the_asked_tests_are_changed_and_no_two_runs_plant_the_same(tmp_path):
    write(tmp_path, "def test_a():\n    pass\n\n\ndef test_b():\n    pass\n")
    job = Job({"a.py": ""}, tests=["t/test_x.py::test_a[1-x::y]"])
    one, two = (planted(tmp_path, job, ["t"])["t/test_x.py"].decode() for _ in range(2))
    assert one.endswith("def test_b():\n    pass\n")
    assert one != two


def test_an_inherited_test_is_changed_where_it_is_written(tmp_path):
    write(tmp_path, "from t.base import Base\nclass TestIt(Base):\n    pass\n")
    (tmp_path / "t" / "base.py").write_text("class Base:\n    def test_a(self):\n        pass\n")
    job = Job({"a.py": ""}, tests=["t/test_x.py::TestIt::test_a"])
    assert list(planted(tmp_path, job, ["t"])) == ["t/base.py"]


def test_what_is_no_function_stays_as_it_is(tmp_path):
    write(tmp_path, "test_a = lambda: None\n")
    assert (
        planted(tmp_path, Job({"a.py": ""}, tests=["t/test_x.py::test_a", "t/x.txt::x"]), []) == {}
    )


TESTS = ["t::a", "t::b"]
JOB = Job({"a.py": ""}, tests=TESTS)
CLAIM = JobResult("ran", tests=dict.fromkeys(TESTS, "passed"), cpu_us=3)


def test_a_claim_stands_only_if_each_test_failed_when_it_had_to():
    for outcomes, worth in (
        (("failed", "failed"), ["passed", "passed"]),
        (("failed", "passed"), ["passed", "forged"]),
        (("passed", "passed"), ["forged", "forged"]),
        (("error", "skipped"), ["passed", "passed"]),
    ):
        seen = JobResult("ran", tests=dict(zip(TESTS, outcomes, strict=True)), cpu_us=5)
        found = judged(JOB, CLAIM, seen)
        assert [found.tests[name] for name in TESTS] == worth
        assert found.cpu_us == 5


def test_no_report_of_a_test_that_had_to_fail_proves_nothing():
    assert judged(JOB, CLAIM, JobResult("ran", tests={})).tests == dict.fromkeys(TESTS, "forged")
    crashed = judged(JOB, CLAIM, JobResult("crashed", tests=dict.fromkeys(TESTS, "failed")))
    assert (crashed.outcome, crashed.tests) == ("crashed", {})


def test_what_claims_no_pass_of_other_code_needs_no_proof():
    assert needed(JOB, CLAIM)
    assert not needed(Job(tests=TESTS), CLAIM)
    assert not needed(JOB, JobResult("ran", tests={"t::a": "passed", "t::b": "failed"}))
    assert not needed(JOB, JobResult("crashed", tests=CLAIM.tests))
    assert not needed(Job({"a.py": ""}), JobResult("ran"))
