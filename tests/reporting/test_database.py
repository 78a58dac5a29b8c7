import datetime as dt
import sqlite3

from assay.core.records import KEYS, TASKS, VERDICTS
from assay.reporting.database import write_database


def content(run):
    return [(table, run.rows[table.name]) for table in (TASKS, KEYS, VERDICTS)]


def test_the_same_bytes_whatever_the_order_of_the_rows(usual, tmp_path):
    write_database(tmp_path / "a.sqlite", content(usual))
    for rows in usual.rows.values():
        rows.reverse()
    write_database(tmp_path / "b.sqlite", content(usual))
    assert (tmp_path / "a.sqlite").read_bytes() == (tmp_path / "b.sqlite").read_bytes()


def test_every_table_and_row_can_be_read(usual, rendered):
    made = rendered(usual)
    with sqlite3.connect(f"file:{made.database}?mode=ro", uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        assert {name for (name,) in names} == {
            "tasks", "keys", "rejected", "responses", "verdicts", "hallucinations"
        }  # fmt: skip
        for (name,) in names:
            (count,) = database.execute(f'SELECT count(*) FROM "{name}"').fetchone()
            assert count == len(usual.rows[name])
        passed = database.execute(
            "SELECT model, count(*) FROM verdicts WHERE status = 'passed' GROUP BY model"
        ).fetchall()
        assert dict(passed)["oracle"] == 60
        (lines,) = database.execute(
            "SELECT accepted_lines FROM keys WHERE task_id = 'cu-007'"
        ).fetchone()
        assert lines == "[7]"
    database.close()


def test_hostile_text_is_kept_as_it_is_and_makes_no_statement(run, tmp_path):
    run.target("cerberus", 1)
    hostile = "'); DROP TABLE tasks; --\x1b[31m\0end =1+1 <b>"
    for row in run.rows["tasks"]:
        row["prompt"] = hostile
    write_database(tmp_path / "a.sqlite", content(run))
    database = sqlite3.connect(tmp_path / "a.sqlite")
    assert database.execute("SELECT DISTINCT prompt FROM tasks").fetchall() == [(hostile,)]
    database.close()


def test_no_trace_of_time_or_place_and_no_rows_are_fine(tmp_path):
    write_database(tmp_path / "a.sqlite", [(TASKS, []), (VERDICTS, [])])
    data = (tmp_path / "a.sqlite").read_bytes()
    assert str(tmp_path).encode() not in data
    assert str(dt.datetime.now(tz=dt.UTC).year).encode() not in data
    assert [path.name for path in tmp_path.iterdir()] == ["a.sqlite"]
