"""The page about this machine: each layer, its state, and what to do."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from assay.core.errors import UserError
from assay.sandbox import cgroups, doctor, level

pytestmark = pytest.mark.slow


def test_a_sound_machine_is_said_to_be_sound(testbed_root):
    page, sound = doctor.examine(testbed_root, level.DEFAULT)
    assert sound
    assert "every layer that is asked for works" in page
    assert all(f"{name:<12}" in page for name in level.LAYERS)
    assert "what to do" not in page


def test_a_missing_layer_is_named_with_what_to_do(testbed_root, fake_bwrap):
    fake_bwrap("arguments.remove('--unshare-net')")
    page, sound = doctor.examine(testbed_root, level.DEFAULT)
    assert not sound
    assert "network; nothing untrusted runs here" in page
    assert page.count("what to do") == 2  # it is one of the namespaces as well


def test_what_a_machine_does_not_give_is_missing_only_if_it_is_asked_for(testbed_root, monkeypatch):
    monkeypatch.setattr(cgroups, "trees", lambda: ())
    page, sound = doctor.examine(testbed_root, ["cgroup"])
    assert not sound
    assert "what to do: let who starts the run make control groups" in page
    page, sound = doctor.examine(testbed_root, level.DEFAULT)
    assert sound
    assert "cgroup      not asked for" in page
    assert "none can be made here" in page


def test_an_unknown_layer_and_a_root_without_python_are_told(tmp_path):
    with pytest.raises(UserError, match="unknown layer"):
        doctor.examine(tmp_path, ["nonsense"])
    (tmp_path / "usr").mkdir()
    page, sound = doctor.examine(tmp_path, level.DEFAULT)
    assert not sound
    assert "nothing untrusted runs" in page


def test_the_program_says_it_by_its_exit_code(testbed_root, repository):
    environment = {**os.environ, "PYTHONPATH": str(repository / "scripts")}
    groups = 0 if cgroups.controllers() == cgroups.CONTROLLERS else 2
    for layers, code in (("network,seccomp", 0), ("cgroup", groups), ("x", 2)):
        command = [sys.executable, "-m", "assay.sandbox.doctor", "--root", str(testbed_root)]
        done = subprocess.run(
            [*command, "--layers", layers], env=environment, capture_output=True, text=True
        )
        assert done.returncode == code, done
        assert not done.stderr
