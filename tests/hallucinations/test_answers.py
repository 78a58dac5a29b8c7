"""Answers of models, from their text to the rows of the table."""

from __future__ import annotations

import pytest

from assay.core.records import HALLUCINATIONS
from assay.core.tables import write_table
from assay.hallucinations.answers import rows as rows_of

TASK = {"target": "shop", "task_id": "t1", "category": "code_generation", "path": "shop/cart.py"}
KEY = {"target": "shop", "task_id": "t1", "unit_id": "shop/cart.py::Cart.sum_of", "key_json": "{}"}


@pytest.fixture
def checked(api):
    def run(answer, **other):
        response = {
            "model": "m", "target": "shop", "task_id": "t1", "category": "code_generation",
            "void": None, "response": answer, **other,
        }  # fmt: skip
        return list(rows_of([TASK], [KEY], [response], api))

    return run


def test_each_invention_is_a_row_with_its_line_of_the_answer(checked, tmp_path):
    answer = (
        "Here it is:\n\n```python\nimport jsonx\n\ndef sum_of(self, rounded):\n"
        "    x = jsonx.loads('')\n    return self.owner + self.price\n```\n"
    )
    made = checked(answer)
    assert [(row["number"], row["kind"], row["name"], row["line"]) for row in made] == [
        (1, "package", "jsonx", 4), (2, "member", "price", 8),
    ]  # fmt: skip
    write_table(tmp_path / "t.parquet", HALLUCINATIONS, made)


def test_an_answer_without_inventions_has_one_row(checked):
    made = checked("```python\ndef sum_of(self, rounded):\n    return self.owner\n```")
    assert [(row["number"], row["kind"], row["name"], row["line"]) for row in made] == [
        (0, "", "", 0)
    ]


@pytest.mark.parametrize("other", [{"void": "cached"}, {"response": "I can't."}, {"response": ""}])
def test_what_has_no_code_is_not_checked(checked, other):
    assert checked("```python\ndef sum_of(self):\n    return self.price\n```", **other) == []
