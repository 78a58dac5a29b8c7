"""A byte that changed on the disk is found, by name, before a step computes with the file."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from assay.core import digests
from assay.core.errors import UserError

STEP = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from pathlib import Path
from assay.core.program import parser, run
def main(arguments):
    arguments.made[0].write_bytes(arguments.read[0].read_bytes() + b"!")
    if arguments.settings.get("fail"):
        raise KeyError("fail")
given = parser("test", contained=False).parse_args()
run(main, given, Path("lock"))
"""


@pytest.fixture
def run(tmp_path):
    """A folder with results of the run `r`: two files, with records of both."""
    root = tmp_path / "results" / "r"
    for name in ("make_this/a.parquet", "telemetry/make_this/b.json"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_bytes(b"content of " + name.encode())
    digests.record(root, files(root))
    return root


def files(root):
    return [root / "make_this/a.parquet", root / "telemetry/make_this/b.json"]


def records(root):
    return sorted((root / digests.FOLDER).rglob("*.sha256"))


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_the_root_is_named_by_the_lock(tmp_path):
    assert digests.root_of(tmp_path / "results" / ".a.b.lock") == tmp_path / "results" / "a.b"


def test_what_was_recorded_is_sound_and_records_are_telemetry(run):
    digests.check(run, files(run))
    digests.check_all(run)
    assert len(records(run)) == 2
    assert all(path.relative_to(run).parts[0] == "telemetry" for path in records(run))


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("place", [0, 7, -1])
def test_one_bit_is_found_and_the_file_is_named(run, number, place):
    path = files(run)[number]
    flip(path, place)
    for look in (lambda: digests.check(run, files(run)), lambda: digests.check_all(run)):
        with pytest.raises(UserError, match="delete it and run again") as caught:
            look()
        assert str(path) in str(caught.value)
        assert str(files(run)[1 - number]) not in str(caught.value)


@pytest.mark.parametrize("place", [0, 63, 64, 70, -1])
def test_a_damaged_record_names_its_file(run, place):
    flip(records(run)[0], place)
    with pytest.raises(UserError, match=r"make_this/a\.parquet"):
        digests.check_all(run)


def test_every_damaged_file_is_named_at_once(run):
    for path in files(run):
        flip(path, 3)
    with pytest.raises(UserError) as caught:
        digests.check_all(run)
    assert all(str(path) in str(caught.value) for path in files(run))


def test_sha256sum_reads_the_records(run):
    lines = "".join(path.read_text() for path in records(run))
    command = ["sha256sum", "--check", "--strict"]
    done = subprocess.run(command, cwd=run, input=lines, capture_output=True, text=True)
    assert (done.returncode, done.stdout.count(": OK")) == (0, 2)


def test_files_without_a_record_and_files_elsewhere_are_taken_as_they_are(run, tmp_path):
    (run / "given").write_text("by somebody")
    (tmp_path / "outside").write_text("by somebody")
    others = [run / "given", tmp_path / "outside"]
    digests.check(run, others)
    digests.record(run, others[1:])
    digests.forget(run, others)
    assert len(records(run)) == 2


def test_a_used_up_file_leaves_a_record_that_troubles_nobody(run):
    files(run)[0].unlink()
    digests.check_all(run)


def test_a_run_without_records_is_sound(tmp_path):
    digests.check_all(tmp_path / "results" / "new")


def step(request, root, read, made, settings="{}"):
    scripts = str(request.config.rootpath / "scripts")
    lock = root.parent / ".r.lock"
    holder = [sys.executable, "-c", HOLD, scripts, str(lock)]
    command = ["--settings", settings, "--run-lock", lock, "--read", read, "--made", made]
    line = [*holder, sys.executable, "-c", STEP, scripts, *map(str, command)]
    return subprocess.run(line, cwd=root.parents[1], capture_output=True, text=True, timeout=30)


HOLD = """
import subprocess, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from assay.core.locks import exclusive
with exclusive(Path(sys.argv[2]), "holder"):
    sys.exit(subprocess.run(sys.argv[3:]).returncode)
"""


def test_a_step_records_what_it_made(request, run):
    made = run / "next_step" / "c"
    made.parent.mkdir()
    done = step(request, run, files(run)[0], made)
    assert done.returncode == 0, done.stderr
    assert len(records(run)) == 3
    digests.check_all(run)
    flip(made, 0)
    with pytest.raises(UserError, match="next_step/c"):
        digests.check_all(run)


def test_a_step_refuses_a_damaged_input_and_makes_nothing(request, run):
    made = run / "next_step" / "c"
    made.parent.mkdir()
    flip(files(run)[0], 2)
    done = step(request, run, files(run)[0], made)
    assert done.returncode == 2
    assert str(files(run)[0]) in done.stderr
    assert "Traceback" not in done.stderr
    assert not made.exists()


def test_a_step_that_fails_leaves_no_record_of_what_it_would_have_made(request, run):
    """Else what a kill left behind would be held against the record of an older file."""
    made = files(run)[1]
    done = step(request, run, files(run)[0], made, '{"fail": true}')
    assert done.returncode == 1
    assert made.read_bytes().endswith(b"!")
    assert len(records(run)) == 1
    digests.check_all(run)


def test_what_was_written_later_than_now_gets_the_time_of_now(run):
    first, second = files(run)
    year, now = 365 * 86400, time.time()
    os.utime(first, (now + year, now + year))
    os.utime(second, (now - year, now - year))
    os.utime(first.parent, (now + year, now + year))
    assert digests.mend_times(run) == [first.parent, first]
    assert abs(first.stat().st_mtime - now) < digests.SKEW_S
    assert abs(first.parent.stat().st_mtime - now) < digests.SKEW_S
    assert second.stat().st_mtime == pytest.approx(now - year, abs=1)
    assert digests.mend_times(run) == []
    assert digests.mend_times(run / "absent") == []


def test_a_time_that_cannot_be_set_is_an_error_that_names_the_file(run, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    late = time.time() + 86400
    os.utime(files(run)[0], (late, late))
    monkeypatch.setattr(digests.os, "utime", refuse)
    with pytest.raises(UserError, match=r"a\.parquet"):
        digests.mend_times(run)
