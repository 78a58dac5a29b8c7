"""Units by place, and lines that raise on purpose; what is reported may be anything."""

from __future__ import annotations

import pytest

from assay.testbed.places import Places

CODE = """\
def f(x):
    if x:
        raise ValueError(
            x
        )
    return x
"""
UNITS = [
    {"kind": "function", "path": "p/m.py", "start_line": 1, "unit_id": "p/m.py::f"},
    {"kind": "class", "path": "p/m.py", "start_line": 9, "unit_id": "p/m.py::C"},
]


@pytest.fixture
def places(tmp_path):
    tree = tmp_path / "tree"
    for name in ("p/m.py", "tests/test_m.py", "tests_more.py", "p/binary.py"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(CODE)
    (tree / "p" / "binary.py").write_bytes(b"\xff raise")
    (tmp_path / "outside.py").write_text(CODE)
    return Places(tree, UNITS, ["tests"])


def test_functions_are_found_by_their_first_lines(places):
    assert places.units([["p/m.py", 1], ["p/m.py", 1], ["p/m.py", 9], ["p/o.py", 1]]) == (
        "p/m.py::f",
    )


def test_executed_lines_are_told_by_unit_and_what_is_no_lines_is_none(places):
    assert places.executed([["p/m.py", 1, "1-2,4"], ["p/o.py", 1, "1"]]) == {"p/m.py::f": "1-2,4"}
    for text in (None, 7, "1-", "1--2", "x", "-1", "1,,2", "9" * 9, ["1"]):
        assert places.executed([["p/m.py", 1, text]]) == {"p/m.py::f": ""}


@pytest.mark.parametrize("given", [None, 3, "x", {}, [[]], [["p/m.py"]], [[["p"], {}]], [None]])
def test_malformed_places_are_no_units_and_no_raise(given, places):
    assert places.units(given) == ()
    assert places.is_raise(given) is False


@pytest.mark.parametrize(("path", "line", "expected"), [
    ("p/m.py", 3, True), ("p/m.py", 4, True), ("p/m.py", 2, False), ("p/m.py", 6, False),
    ("tests/test_m.py", 3, False), ("tests_more.py", 3, True), ("../outside.py", 3, False),
    ("p/gone.py", 3, False), ("p/\0", 3, False), ("p/" * 3000, 3, False),
    ("x" * 300, 3, False), ("p/binary.py", 1, False), ("p", 1, False), ("p/m.py", [3], False),
])  # fmt: skip
def test_only_a_raise_of_the_target_s_own_code_is_on_purpose(path, line, expected, places):
    assert places.is_raise([path, line]) is expected


def test_an_absolute_path_is_not_followed(places):
    assert places.is_raise([str(places.tree.parent / "outside.py"), 3]) is False
