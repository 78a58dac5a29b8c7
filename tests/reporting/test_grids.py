import pytest

from assay.reporting import grids, samples
from assay.reporting.inputs import Inputs, flat, read_rows
from assay.statistics.summary import summary


@pytest.fixture
def inputs(usual):
    return Inputs("r", {}, summary("r", usual.rows), usual.rows, usual.fingerprints)


def cells(table):
    return {row["cells"][0]: row["cells"][1:] for row in table["rows"]}


def test_what_each_category_and_stratum_yields(inputs):
    table = grids.tasks(inputs)
    assert table["head"] == [
        "target", "category", "tasks", "trivial", "standard", "hard", "of these, controls"
    ]  # fmt: skip
    assert table["rows"][1]["cells"] == [
        "cerberus", "code understanding", "20", "7", "7", "6", "4"
    ]  # fmt: skip


def test_strata_stand_in_the_order_of_difficulty(inputs):
    assert grids.group_names(inputs, "stratum") == ["trivial", "standard", "hard"]


def test_void_answers_are_not_among_those_whose_form_is_counted(inputs):
    found = cells(grids.form(inputs))
    assert found["small"][0].endswith("/58")
    assert found["large"][0].endswith("/60")


def test_a_cell_that_is_not_known_is_a_dash():
    assert [grids.text(value) for value in (None, 0, 12345, "x")] == [
        "\N{EN DASH}",
        "0",
        "12,345",
        "x",
    ]
    assert grids.percent(None) is None
    assert grids.interval({"interval": None}) is None
    assert grids.share({"total": 0}) is None


def test_samples_are_drawn_and_the_same_each_time(inputs):
    drawn = samples.samples(inputs, "small")
    assert len(drawn) == 3 * samples.PER_CATEGORY
    assert [it["category"] for it in drawn] == sorted(it["category"] for it in drawn)
    assert drawn == samples.samples(inputs, "small")
    others = samples.samples(inputs, "large")
    assert [it["task_id"] for it in others] == [it["task_id"] for it in drawn]


def test_an_empty_answer_is_called_so(inputs, usual):
    for row in usual.rows["responses"]:
        row["response"] = None
    assert {it["answer"] for it in samples.samples(inputs, "small")} == {"(empty)"}


def test_a_nested_record_as_dotted_names():
    record = {"b": {"x": [1, 2], "a": None}, "a": True}
    assert flat(record) == [("a", "True"), ("b.a", "None"), ("b.x", "1, 2")]


def test_rows_of_no_file_are_no_rows():
    from assay.core.records import TASKS

    assert read_rows([], TASKS) == []
