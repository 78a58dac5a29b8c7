"""Targets that can't be recorded: what is said of them."""

from __future__ import annotations

import pytest

from assay.core.errors import UserError
from assay.testbed.recorder import record

pytestmark = pytest.mark.slow
CODE = "def f(x):\n    return x\n"
TARGET = {
    "tests": {"paths": ["tests"]}, "scan": ["pkg"], "source_roots": ["."], "preload": [],
    "entry_points": [{"entry": "pkg.core:f"}],
}  # fmt: skip
CASES = {
    "no tests": ("HELPER = 1\n", {}, "the target has no tests", "tests.paths"),
    "a syntax error": ("def test(:\n", {}, "can't be collected", "SyntaxError"),
    "a missing module": ("import gone\n", {}, "can't be collected", "gone"),
    "none passes": ("def test_a():\n    assert 0\n", {}, "no test of the target", "1 failed"),
    "it exits": ("import os\nos._exit(0)\n", {}, "can't be collected", "before its end"),
    "an unknown entry": (
        "def test_a():\n    pass\n", {"entry_points": [{"entry": "pkg.core:gone"}]},
        "can't be collected", "gone",
    ),
    "a property for a method": (
        "def test_a():\n    pass\n",
        {"entry_points": [{"entry": "pkg.core:C", "methods": ["p"]}]}, "can't be collected",
        "p is no method",
    ),
}  # fmt: skip
CLASS = "\n\nclass C:\n    @property\n    def p(self):\n        return 1\n"


@pytest.mark.parametrize("case", CASES)
def test_a_target_that_can_not_be_recorded_is_told_why(case, grown):
    tests, change, what, given = CASES[case]
    target = {**TARGET, **change}
    files = {"pkg/__init__.py": "", "pkg/core.py": CODE + CLASS, "tests/test_a.py": tests}
    bench = grown(files, target)
    with pytest.raises(UserError, match=what) as caught:
        record(bench, target, 1, 0)
    assert given in str(caught.value)
    assert "hint:" in str(caught.value)
