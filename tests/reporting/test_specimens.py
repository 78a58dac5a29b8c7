"""The page of sample tasks."""

from collections import Counter

import pytest

from assay.core.records import KEYS, TASKS
from assay.core.tables import write_table
from assay.reporting import specimens


def row(stratum, number, kind="bug"):
    return {
        "target": "t", "task_id": f"{stratum}-{number}", "category": "code_understanding",
        "stratum": stratum, "path": "p.py", "qualname": "f", "prompt": f"Find it. {'x' * number}",
        "prompt_sha256": "0" * 64, "max_tokens": 9, "unit_id": "p.py::f", "kind": kind,
        "is_control": kind == "control", "operator": "comparisons", "accepted_lines": [3],
        "reference_answer": "LINES: 3\n```python\nx\n```", "oracle_killed": 3, "oracle_sampled": 4,
        "key_json": "{}", "proof_json": "{}",
    }  # fmt: skip


def write_rows(folder, rows):
    folder.mkdir(exist_ok=True)
    for table, name in ((TASKS, "tasks"), (KEYS, "keys")):
        columns = table.schema.names
        write_table(
            folder / f"{name}.parquet", table,
            [{column: entry[column] for column in columns} for entry in rows],
        )  # fmt: skip


@pytest.fixture
def rows():
    made = [row(stratum, number) for stratum in specimens.STRATA for number in range(4)]
    return [*made, row("standard", 90, "control")]


def test_one_of_each_stratum_and_one_of_a_kind_that_is_not_there_yet(rows):
    chosen = specimens.chosen(rows)
    assert Counter(entry["stratum"] for entry in chosen) == {
        "trivial": 1, "standard": 2, "hard": 1, "adversarial": 1,
    }  # fmt: skip
    assert [entry["kind"] for entry in chosen].count("control") == 1
    assert specimens.chosen(list(reversed(rows))) == chosen


def test_a_stratum_that_the_first_target_lacks_comes_from_the_next(rows, tmp_path):
    own = [entry for entry in rows if entry["stratum"] != "adversarial"]
    other = [{**entry, "target": "u", "task_id": f"u-{entry['task_id']}"} for entry in rows]
    third = [{**entry, "target": "v", "task_id": f"v-{entry['task_id']}"} for entry in rows]
    chosen = specimens.chosen([*own, *other])
    assert [(entry["stratum"], entry["target"]) for entry in chosen] == [
        ("trivial", "t"), ("standard", "t"), ("standard", "t"), ("hard", "t"), ("adversarial", "u"),
    ]  # fmt: skip
    for name, some in (("t", own), ("u", other), ("v", third)):
        write_rows(tmp_path / name, some)
    page = specimens.page([tmp_path / name for name in "tuv"])
    assert f"from a run on t ({len(own)} tasks) and u ({len(rows)} tasks)." in page


def test_the_page_shows_prompt_and_answer_and_says_what_it_leaves_out(rows, tmp_path):
    rows[0]["prompt"] = "BEGIN" + "y" * 9000 + "END"
    write_rows(tmp_path, rows[:1])
    page = specimens.page([tmp_path])
    assert "BEGIN" in page
    assert "END\n~~~~~" in page
    assert "5,008 characters are left out here" in page
    assert "LINES: 3\n```python" in page


def test_the_page_says_what_proves_a_task(rows, tmp_path):
    audit = {**rows[1], "category": "security_audit", "proof_json": '{"payloads_fired": 7}'}
    write_rows(tmp_path, [rows[0], audit])
    page = specimens.page([tmp_path])
    assert "| 3 of 4 mutants killed |" in page
    assert "| payloads: 7 take effect in the weak twin, none in the clean one |" in page
