from __future__ import annotations

import random

import pytest

from assay.core import records, tables
from assay.core.errors import HarnessError, UserError


def rows(count=9000):
    return [
        {"target": "t", "test_id": f"test_{n}", "outcome": "passed", "steady": n % 2 == 0,
         "reason": None, "units": [f"u{n % 7}"]}
        for n in range(count)
    ]  # fmt: skip


def test_the_bytes_do_not_depend_on_the_order_of_the_rows(tmp_path):
    made = rows()
    tables.write_table(tmp_path / "a", records.BEHAVIOUR, made)
    random.Random(3).shuffle(made)
    tables.write_table(tmp_path / "b", records.BEHAVIOUR, iter(made))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert tables.read_table(tmp_path / "a", records.BEHAVIOUR)[0]["test_id"] == "test_0"


def test_a_repeated_key_and_a_wrong_column_are_refused(tmp_path):
    with pytest.raises(HarnessError, match="repeats"):
        tables.write_table(tmp_path / "a", records.BEHAVIOUR, rows(2) + rows(1))
    with pytest.raises(HarnessError, match="columns differ"):
        tables.write_table(tmp_path / "a", records.BEHAVIOUR, [{**rows(1)[0], "more": 1}])
    assert not (tmp_path / "a").exists()


def test_a_damaged_table_and_another_table_are_named(tmp_path):
    path = tmp_path / "x.parquet"
    tables.write_table(path, records.BEHAVIOUR, rows(5))
    with pytest.raises(UserError, match="no units table"):
        tables.read_table(path, records.UNITS)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"x\.parquet"):
        tables.read_table(path, records.BEHAVIOUR)


def test_an_empty_table_keeps_its_schema(tmp_path):
    tables.write_table(tmp_path / "e", records.KEYS, [])
    assert tables.read_table(tmp_path / "e", records.KEYS) == []
