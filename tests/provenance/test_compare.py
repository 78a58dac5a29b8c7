from __future__ import annotations

import pytest

from assay.core.files import first_character, write_json
from assay.core.records import KEYS, VERDICTS
from assay.core.tables import write_table
from assay.provenance.compare import difference, first_row
from assay.reporting.database import write_database

KEY = ("id",)


def rows(**values):
    return [{"id": name, "value": value} for name, value in values.items()]


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        (rows(a=1, b=2), rows(b=2, a=1), ""),
        (rows(a=1, b=2, c=3), rows(a=1, b=5, c=6),
         "t, row id=b, column value: published '2', here '5'"),
        (rows(a=1, b=2), rows(b=2), "t, row id=a: published, and not made here"),
        (rows(b=2), rows(b=3, a=1), "t, row id=a: made here, and not published"),
    ],
)  # fmt: skip
def test_the_first_row_and_column_in_the_order_of_the_key(theirs, ours, expected):
    assert first_row("t", KEY, theirs, ours) == expected


def test_json_text_in_a_column_is_told_by_its_path():
    theirs, ours = rows(a='{"x":{"y":1},"z":2}'), rows(a='{"x":{"y":3},"z":4}')
    said = first_row("t", KEY, theirs, ours)
    assert said == "t, row id=a, column value, in x.y: published '1', here '3'"


def test_a_long_text_is_shown_from_where_it_differs():
    said = first_row("t", KEY, rows(a="x" * 500 + "1"), rows(a="x" * 500 + "2"))
    assert "published 'xxxxxxxxxxxx1', here 'xxxxxxxxxxxx2' (from character 488)" in said


@pytest.mark.parametrize(
    ("one", "other", "place"), [("abc", "abd", 2), ("ab", "abc", 2), ("", "", 0)]
)
def test_the_first_character(one, other, place):
    assert first_character(one, other) == place


def verdict(status):
    names = VERDICTS.schema.names
    row = dict.fromkeys(names, "")
    return {
        **row,
        "is_control": False,
        "model": "m",
        "target": "t",
        "task_id": "1",
        "status": status,
    }


@pytest.fixture
def pair(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    return lambda name: (tmp_path / "a" / name, tmp_path / "b" / name)


def test_tables_databases_and_json_files_are_told_by_their_content(pair):
    for name in ("verdicts.parquet", "assay.sqlite"):
        for path, status in zip(pair(name), ("passed", "failed"), strict=True):
            if name.endswith("sqlite"):
                write_database(path, [(VERDICTS, [verdict(status)])])
            else:
                write_table(path, VERDICTS, [verdict(status)])
        said = difference(*pair(name))
        assert said == (
            "verdicts, row model=m, target=t, task_id=1, column status: "
            "published 'passed', here 'failed'"
        )
    theirs, ours = pair("summary.json")
    write_json(theirs, {"models": {"m": {"passed": 2}}})
    write_json(ours, {"models": {"m": {"passed": 1}}})
    assert difference(theirs, ours) == "models.m.passed: published '2', here '1'"
    assert difference(theirs, theirs) is None


def test_what_can_not_be_read_is_told_and_never_equal(pair):
    theirs, ours = pair("keys.parquet")
    theirs.write_bytes(b"PAR1 no table")
    write_table(ours, KEYS, [])
    assert difference(theirs, ours).startswith("can't be read as parquet")
    theirs, ours = pair("assay.sqlite")
    theirs.write_bytes(b"no database" * 9)
    write_database(ours, [])
    assert difference(theirs, ours).startswith("can't be read as sqlite")


def test_equal_rows_in_other_bytes_are_a_difference(pair):
    theirs, ours = pair("summary.json")
    write_json(theirs, {"a": 1})
    ours.write_text('{"a":1}')
    assert difference(theirs, ours) == "the content is equal and the bytes are not, from byte 1 on"


def test_other_files_are_told_by_the_byte(pair):
    theirs, ours = pair("source.tar")
    theirs.write_bytes(b"abcd")
    ours.write_bytes(b"abXd")
    assert difference(theirs, ours) == "they differ from byte 2 on"
    ours.write_bytes(b"ab")
    assert "the end of the shorter one (4 bytes published, 2 here)" in difference(theirs, ours)
