"""envs/bootstrap.py, run as the program that it is, with a made-up lock of one wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from assay.core.errors import UserError
from assay.core.files import sha256_file
from assay.workflow.run import prepare

from .conftest import make_wheel

# A fake: tells the program that it runs on another Python.
OTHER_PYTHON = """
import runpy, sys
sys.version_info = (3, 9, 2, "final", 0)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory, repository) -> Path:
    """A folder envs/ with the program and the lock `tiny`, and an index of one wheel."""
    folder = tmp_path_factory.mktemp("bootstrap")
    (folder / "envs").mkdir()
    shutil.copyfile(repository / "envs/bootstrap.py", folder / "envs/bootstrap.py")
    wheel = make_wheel(folder / "index", "greeting", "TEXT = 'hello'\n")
    write_lock(folder, "tiny", sha256_file(wheel))
    return folder


def write_lock(folder, name, digest):
    line = f"greeting==1.0 \\\n    --hash=sha256:{digest}\n"
    (folder / "envs" / f"{name}.txt").write_text(line)


def environment(place, index="index", **more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return kept | {
        "ASSAY_CACHE": str(place / "cache"), "PIP_CONFIG_FILE": "/dev/null", "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(place / index), **more,
    }  # fmt: skip


def start(place, *arguments, lock="tiny", **options):
    command = [sys.executable, place / "envs/bootstrap.py", "--no-apptainer", "--lock", lock]
    return subprocess.Popen(
        [*command, *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment(place, **options),
    )  # fmt: skip


def run(place, **options):
    process = start(place, **options)
    out, err = process.communicate(timeout=300)
    return process.returncode, out.strip(), err


@pytest.fixture(scope="module")
def both(place):
    """What two set-ups told that were started at once, with nothing there."""
    processes = [start(place), start(place)]
    told = [process.communicate(timeout=300) for process in processes]
    return [(p.returncode, *texts) for p, texts in zip(processes, told, strict=True)]


@pytest.fixture
def venv(both) -> Path:
    assert [code for code, _, _ in both] == [0, 0], both
    return Path(both[0][1].strip())


def greets(venv):
    command = [venv / "bin/python", "-c", "import greeting; print(greeting.TEXT)"]
    return subprocess.run(command, text=True, capture_output=True).stdout == "hello\n"


def test_two_set_ups_at_once_make_one_environment(both, venv):
    assert both[0][1] == both[1][1]
    errors = [error for _, _, error in both]
    assert sum("making" in error for error in errors) == 1
    assert sum("waiting for another set-up" in error for error in errors) == 1
    assert greets(venv)


def test_the_cache_named_by_the_variable_holds_everything(place, venv):
    assert venv.is_relative_to(place / "cache/venvs")
    assert sorted(os.listdir(place / "cache")) == ["locks", "venvs", "wheels"]


def test_a_second_call_is_offline_and_says_nothing(place, venv):
    assert run(place, index="none") == (0, str(venv), "")


@pytest.mark.parametrize("harm", ["no stamp", pytest.param("no python", marks=pytest.mark.slow)])
def test_a_half_made_environment_is_made_anew_without_a_network(place, venv, harm):
    (venv / "junk").write_text("")
    if harm == "no stamp":
        (venv / ".assay-ready").unlink()
        (venv / "pyvenv.cfg").write_text("torn")
    else:
        (venv / "bin/python").unlink()
    code, out, err = run(place, index="none")
    assert (code, out) == (0, str(venv)), err
    assert "making" in err
    assert not (venv / "junk").exists()
    assert greets(venv)


def test_a_failed_set_up_leaves_no_environment_that_seems_ready(place):
    write_lock(place, "wrong", "0" * 64)
    code, out, err = run(place, lock="wrong")
    assert (code, out) == (2, "")
    assert "pip download failed" in err
    assert "hint:" in err
    assert "Traceback" not in err
    assert not list((place / "cache/venvs").glob("wrong-*/.assay-ready"))


def test_a_damaged_wheel_in_the_cache_is_refused_with_what_to_do(place, both):
    tiny = next((place / "cache/wheels").glob("tiny-*"))
    other = tiny.with_name(tiny.name.replace("tiny", "other"))
    shutil.copytree(tiny, other)
    (other / ".tiny-complete").rename(other / ".other-complete")
    (wheel,) = other.glob("*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"x")
    (place / "envs/other.txt").write_bytes((place / "envs/tiny.txt").read_bytes())
    code, _, err = run(place, index="none", lock="other")
    assert code == 2
    assert f"delete {other}" in err


def test_a_missing_lock_is_named(place):
    code, out, err = run(place, lock="nothing")
    assert (code, out) == (2, "")
    assert "no lock" in err
    assert "make relock" in err


def old_python(place, path):
    command = [sys.executable, "-c", OTHER_PYTHON, place / "envs/bootstrap.py", "--no-apptainer"]
    return subprocess.run(
        [*command, "--lock", "tiny"], text=True, capture_output=True,
        env=environment(place, PATH=str(path)),
    )  # fmt: skip


def test_an_old_python_alone_is_refused(place, tmp_path):
    done = old_python(place, tmp_path)
    assert done.returncode == 2
    assert "Python 3.11 or newer is needed" in done.stderr
    assert "make PYTHON=" in done.stderr


def test_an_old_python_hands_over_to_a_newer_one(place, tmp_path):
    for minor in (9, 12):
        other = tmp_path / f"python3.{minor}"
        other.write_text(f'#!/bin/sh\necho 3.{minor} "$@"\n')
        other.chmod(0o755)
    done = old_python(place, tmp_path)
    expected = f"3.12 {place / 'envs/bootstrap.py'} --no-apptainer --lock tiny\n"
    assert (done.returncode, done.stdout) == (0, expected)


@pytest.mark.parametrize("name", ["a b", "a:b", "a\tb"])
@pytest.mark.parametrize("which", ["work folder", "cache"])
def test_a_path_that_apptainer_can_not_bind_is_refused(
    tmp_path, repository, monkeypatch, name, which
):
    odd, usual = tmp_path / name, tmp_path / "usual"
    work, cache = (odd, usual) if which == "work folder" else (usual, odd)
    monkeypatch.setenv("ASSAY_CACHE", str(cache))
    with pytest.raises(UserError) as error:
        prepare(repository, work, {}, main_process=False)
    assert "no colon or white space" in str(error.value)
    assert str(odd) in str(error.value)
    assert "clone into another folder, or set ASSAY_CACHE" in str(error.value)
    assert not cache.exists()
