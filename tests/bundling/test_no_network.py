"""A run from a bundle asks no network: what is missing is named instead."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from assay.core.airgap import require_network
from assay.core.errors import UserError
from assay.core.files import sha256_file
from assay.engines._weights import receipt_of
from assay.images import apptainer
from assay.images.fetch import fetch_packages, fetch_wheels
from assay.sources.git import fetched
from assay.sources.index import Index

NOBODY = "https://nobody.invalid"
ARCHIVE = {"package": "tiny", "version": "1", "file": "tiny-1.tar.gz", "sha256": "0" * 64}
WEIGHTS = {"kind": "hub", "repository": "r", "revision": "v", "file": "f.gguf", "sha256": "0" * 64,
           "size": 1, "licence": "x"}  # fmt: skip
ASKS = {
    "packages": lambda c: fetch_packages(c, [{"name": "n", "version": "1", "sha256": "0" * 64}]),
    "wheels": lambda c: fetch_wheels(
        c, [{"name": "n", "version": "1", "sha256": "0" * 64, "file": "n-1-py3-none-any.whl"}]),
    "apptainer": apptainer.packages,
    "commit": lambda c: fetched(f"{NOBODY}/tiny", "0" * 40, c),
    "archive": lambda c: list(Index({"index-url": NOBODY}).chunks(ARCHIVE)),
    "version": lambda c: Index({"index-url": NOBODY}).source_archive("tiny", "1"),
    "weights": lambda c: receipt_of("tiny", {"engine": "llamacpp", "weights": WEIGHTS}, c),
}  # fmt: skip


@pytest.mark.parametrize("kind", ASKS)
def test_what_would_be_fetched_is_refused_with_what_to_do(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_BUNDLE", "carried/tiny")
    monkeypatch.setenv("HF_ENDPOINT", NOBODY)
    with pytest.raises(UserError, match="asks no network") as error:
        ASKS[kind](tmp_path)
    assert "carried/tiny" in str(error.value)
    assert "make bundle" in str(error.value)


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_bundle_the_network_may_be_asked(value, monkeypatch):
    monkeypatch.delenv("ASSAY_BUNDLE", raising=False)
    if value is not None:
        monkeypatch.setenv("ASSAY_BUNDLE", value)
    require_network("anything")


@pytest.fixture
def checkout(place, repository) -> Path:
    """The made-up repository with the real set-up program and library."""
    shutil.copyfile(repository / "envs/bootstrap.py", place.repository / "envs/bootstrap.py")
    (place.repository / "scripts").symlink_to(repository / "scripts")
    return place.repository


def set_up(checkout: Path, bundle: Path, home: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY")}
    # Wheels of pip's own configuration must not be looked at: there is one that is not the locked.
    return subprocess.run(
        [sys.executable, checkout / "envs/bootstrap.py", "--no-apptainer"],
        text=True, capture_output=True, cwd=checkout,
        env=kept | {"HOME": str(home), "ASSAY_BUNDLE": str(bundle), "PIP_FIND_LINKS": NOBODY,
                    "PIP_INDEX_URL": NOBODY, "PIP_NO_INDEX": "0"},
    )  # fmt: skip


def test_an_environment_is_made_of_the_bundle_alone(checkout, packed, tmp_path):
    home = tmp_path / "home"
    done = set_up(checkout, packed, home)
    assert done.returncode == 0, done.stderr
    venv = Path(done.stdout.strip())
    assert venv.is_relative_to(home / ".cache/assay/venvs")
    told = subprocess.run(
        [venv / "bin/python", "-c", "import greeting; print(greeting.VERSION)"],
        text=True, capture_output=True,
    )  # fmt: skip
    assert told.stdout == "1.0\n"
    assert len(list((home / ".cache/assay/wheels").iterdir())) == 1


def test_a_damaged_wheel_of_the_bundle_stops_the_set_up(checkout, packed, tmp_path):
    (wheel,) = packed.glob("wheels/host-*/*.whl")
    wheel.write_bytes(b"x" * wheel.stat().st_size)
    done = set_up(checkout, packed, tmp_path / "home")
    assert done.returncode == 2
    assert str(wheel) in done.stderr
    assert "damaged" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "home").rglob("venvs"))


def test_a_bundle_of_another_lock_stops_the_set_up(checkout, packed, tmp_path):
    lock = checkout / "envs/host.txt"
    lock.write_text(f"{lock.read_text()}# {platform.node()}\n")
    done = set_up(checkout, packed, tmp_path / "home")
    assert done.returncode == 2
    assert "another lock" in done.stderr
    assert sha256_file(lock) in done.stderr
