"""The reference solvers: what they answer, and what they are handed."""

from __future__ import annotations

import pytest

from assay.core.errors import HarnessError
from assay.core.files import read_json, write_json
from assay.core.records import KEYS, RESPONSES, TASKS, TELEMETRY
from assay.core.tables import read_table, write_table
from assay.engines._outputs import Outputs
from assay.engines._step import Inputs, run_model

COUNT = 300


@pytest.fixture
def solve(task, key, tmp_path):
    """Run a reference solver over files; return task id -> response row."""

    def run(engine, *, keys=None, order=1, seed=1, count=COUNT, **parameters):
        rows = [task(number, f"prompt {number}") for number in range(count)][::order]
        known = [key(row, f"answer {row['task_id']}") for row in rows]
        known = known if keys is None else keys(known)
        write_table(tmp_path / "tasks.parquet", TASKS, rows)
        write_table(tmp_path / "keys.parquet", KEYS, known)
        write_json(tmp_path / "receipt.json", {"weights": None})
        handed = (tmp_path / "keys.parquet",) if known else ()
        outputs = Outputs(*(tmp_path / name for name in ("r.parquet", "t.parquet", "f.json")))
        inputs = Inputs((tmp_path / "tasks.parquet",), handed, tmp_path / "receipt.json", None)
        described = {"engine": engine, "parameters": parameters}
        run_model(engine, {"model": described, "seed": seed}, inputs, outputs)
        assert len(read_table(outputs.telemetry, TELEMETRY)) == count
        return {row["task_id"]: row for row in read_table(outputs.responses, RESPONSES)}

    return run


def right(rows):
    return {name for name, row in rows.items() if row["response"] == f"answer {name}"}


def none(keys):
    return []


def test_the_oracle_answers_every_key(solve):
    rows = solve("oracle")
    assert right(rows) == set(rows)
    assert len(rows) == COUNT
    for row in rows.values():
        assert (row["void"], row["cached_tokens"], row["finish_reason"]) == (None, 0, "stop")


def test_the_oracle_at_a_share_is_right_for_about_that_share_and_silent_elsewhere(solve):
    rows = solve("oracle", accuracy=0.6)
    # Three standard deviations of a binomial draw: 0.6 * 300 ± 3 * sqrt(300 * 0.6 * 0.4).
    assert 155 <= len(right(rows)) <= 205
    assert {row["response"] for name, row in rows.items() if name not in right(rows)} == {""}


def test_the_draw_depends_on_seed_and_task_alone(solve):
    found = right(solve("oracle", accuracy=0.6))
    assert right(solve("oracle", accuracy=0.6, order=-1)) == found
    few = solve("oracle", accuracy=0.6, count=50)
    assert right(few) == found & set(few)
    assert right(solve("oracle", accuracy=0.6, seed=2)) != found
    assert right(solve("oracle", accuracy=0.3)) < found
    assert right(solve("oracle", accuracy=0)) == set()


def test_null_answers_nothing(solve):
    assert {row["response"] for row in solve("null", keys=none).values()} == {""}


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        ("always_clean", {"code_understanding": "LINES: none", "security_audit": "NONE"}),
        (
            "always_accuse",
            {
                "code_understanding": "LINES: 1\n```python\npass\n```",
                "security_audit": "CWE-78 LINE 1",
            },
        ),
    ],
)
def test_a_control_says_the_same_in_every_task_of_a_category(solve, engine, expected):
    rows = solve(engine, keys=none, count=30).values()
    said = {(row["category"], row["response"]) for row in rows}
    assert said == {("code_generation", ""), *expected.items()}


@pytest.mark.parametrize("engine", ["null", "always_clean", "always_accuse", "llamacpp"])
def test_an_engine_that_needs_no_keys_is_never_handed_some(solve, engine):
    with pytest.raises(HarnessError, match="needs no keys"):
        solve(engine, count=3)


def test_an_oracle_without_a_key_is_an_error_and_no_wrong_answer(solve, tmp_path):
    with pytest.raises(HarnessError, match="task000"):
        solve("oracle", keys=lambda keys: keys[1:])
    assert not (tmp_path / "r.parquet").exists()


def test_the_bytes_are_equal_and_the_fingerprint_tells_parameters_and_seed(solve, tmp_path):
    def run(**options):
        rows = solve("oracle", count=20, **options)
        content = read_json(tmp_path / "f.json")
        assert {row["fingerprint"] for row in rows.values()} == {content["id"]}
        return (tmp_path / "r.parquet").read_bytes(), content["id"]

    first = run(accuracy=0.6)
    assert run(accuracy=0.6, order=-1) == first
    assert len({first[1], run(accuracy=0.5)[1], run(accuracy=0.6, seed=2)[1]}) == 3
