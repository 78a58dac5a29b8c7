"""Finding Apptainer; setting it up is tested by `setup_from_nothing.sh`."""

from __future__ import annotations

import pytest

from assay.core.errors import UserError
from assay.images.apptainer import locate, set_up, version_of


def make_program(folder, text):
    """A fake apptainer, which only tells its version."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "apptainer"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def path(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("echo apptainer version 1.4.5-2", (1, 4, 5)),
        ("echo apptainer version 1.10.0", (1, 10, 0)),
        ("echo unknown", (0,)),
        ("echo apptainer version 1.4.5; exit 1", (0,)),
    ],
)
def test_the_version_is_what_a_working_program_tells(tmp_path, text, version):
    assert version_of(make_program(tmp_path, text)) == version


def test_a_missing_program_has_no_version(tmp_path):
    assert version_of(tmp_path / "none") == (0,)


def test_the_machines_own_is_used_if_it_is_new_enough(tmp_path, path):
    make_program(path, "echo apptainer version 1.4.0")
    assert locate(tmp_path / "cache") == path
    make_program(path, "echo apptainer version 1.3.9")
    assert locate(tmp_path / "cache") is None
    private = tmp_path / "cache/apptainer/prefix-x/usr/bin"
    make_program(private, "echo apptainer version 1.4.5")
    assert locate(tmp_path / "cache") is None, "a half-made prefix is not the current one"
    (tmp_path / "cache/apptainer/current").symlink_to("prefix-x")
    assert locate(tmp_path / "cache") == tmp_path / "cache/apptainer/current/usr/bin"


def test_a_link_to_a_prefix_that_is_gone_is_no_apptainer(tmp_path, path):
    (tmp_path / "apptainer").mkdir()
    (tmp_path / "apptainer/current").symlink_to("prefix-gone")
    assert locate(tmp_path) is None


def test_without_apt_it_is_said_what_to_do_and_nothing_is_left(tmp_path, path):
    with pytest.raises(UserError, match=r"no apt(.|\n)*install Apptainer"):
        set_up(tmp_path / "cache")
    assert list((tmp_path / "cache/apptainer").iterdir()) == []
