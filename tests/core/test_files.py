from __future__ import annotations

import errno
import math
import os
import signal
import stat

import pytest

from assay.core import files
from assay.core.errors import UserError


def test_json_is_canonical(tmp_path):
    path = tmp_path / "a" / "x.json"
    files.write_json(path, {"b": "ü", "a": [1, None]})
    assert path.read_bytes() == '{\n  "a": [\n    1,\n    null\n  ],\n  "b": "ü"\n}\n'.encode()
    assert files.read_json(path) == {"a": [1, None], "b": "ü"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_json_refuses_what_is_no_json(value):
    with pytest.raises(ValueError, match="JSON"):
        files.canonical_json(value)


def test_a_folder_that_cannot_be_made_is_the_users_error(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UserError, match="can't write the file"):
        files.write_text(tmp_path / "file" / "x", "text")


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "x"
    files.write_text(path, "old")

    def fail():
        with files.atomic(path) as stream:
            stream.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["x"]


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        files.write_text(tmp_path / "x", "text")
    assert os.listdir(tmp_path) == []


def test_a_damaged_json_file_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(UserError, match=r"x\.json"):
        files.read_json(tmp_path / "x.json")


def test_what_a_killed_write_has_left_is_swept_and_nothing_else(tmp_path):
    path = tmp_path / "step" / "table.parquet"
    files.write_bytes(path, b"whole")
    pid = os.fork()
    if not pid:
        with files.atomic(path) as stream:
            stream.write(b"half")
            stream.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    (tmp_path / "kept.tmp").write_text("a person's")
    half = [item for item in path.parent.iterdir() if item != path]
    assert len(half) == 1
    assert files.sweep(tmp_path) == half
    assert sorted(item.name for item in tmp_path.rglob("*") if item.is_file()) == [
        "kept.tmp", "table.parquet",
    ]  # fmt: skip
    assert files.sweep(tmp_path / "absent") == []
