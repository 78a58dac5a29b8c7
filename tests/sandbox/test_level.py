"""The sandbox fails closed: a layer that is asked for and does not work stops everything."""

from __future__ import annotations

import json
import platform

import pytest
from taken_away import MISSING, WITHOUT_RLIMITS

from assay.core.errors import UserError
from assay.core.files import write_json
from assay.sandbox import cgroups, level


@pytest.mark.slow
def test_all_layers_but_perhaps_cgroups_work_here_and_the_level_can_be_recorded(
    testbed_root, tmp_path
):
    found = level.require(root=testbed_root)
    assert found == {
        "namespaces": True, "network": True, "seccomp": True, "rlimits": True,
        "cgroup": cgroups.controllers() == cgroups.CONTROLLERS,
    }  # fmt: skip
    assert set(found) == set(level.LAYERS)
    write_json(tmp_path / "level.json", found)
    assert json.loads((tmp_path / "level.json").read_text()) == found


@pytest.mark.slow
@pytest.mark.parametrize(("layer", "change"), MISSING)
def test_a_layer_that_is_taken_away_is_found_missing(layer, change, testbed_root, fake_bwrap):
    fake_bwrap(change)
    with pytest.raises(UserError) as caught:
        level.require(root=testbed_root)
    text = str(caught.value)
    assert "nothing untrusted runs" in text
    assert layer in text.split("given:")[1].splitlines()[0]
    assert "sandbox.layers" in text
    assert "mend the machine" in text
    assert f"{layer}: {level.REMEDY[layer]}" in text


@pytest.mark.slow
def test_less_may_be_asked_for_and_is_recorded_as_less(testbed_root, fake_bwrap):
    fake_bwrap(WITHOUT_RLIMITS)
    found = level.require(("namespaces", "network", "seccomp"), testbed_root)
    assert found["rlimits"] is False


@pytest.mark.slow
def test_a_cgroup_that_is_asked_for_and_absent_is_an_error(testbed_root, monkeypatch):
    monkeypatch.setattr(cgroups, "trees", lambda: ())
    with pytest.raises(UserError, match="missing: cgroup"):
        level.require(("namespaces", "cgroup"), testbed_root)


def test_an_unknown_layer_is_named(testbed_root):
    with pytest.raises(UserError, match="moat") as caught:
        level.require(("namespaces", "moat"), testbed_root)
    assert "namespaces | network" in str(caught.value)


def test_without_bubblewrap_nothing_runs(testbed_root, no_bwrap):
    with pytest.raises(UserError, match="bubblewrap is missing") as caught:
        level.require(root=testbed_root)
    assert "make" in str(caught.value)


def test_without_a_filter_for_the_architecture_nothing_runs(testbed_root, monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(UserError, match="seccomp filter") as caught:
        level.require(root=testbed_root)
    assert "x86_64" in str(caught.value)


def test_without_user_namespaces_the_error_says_what_to_allow(testbed_root, fake_bwrap):
    fake_bwrap("sys.exit('bwrap: No permissions to create new namespace')")
    with pytest.raises(UserError, match="No permissions") as caught:
        level.require(root=testbed_root)
    assert "kernel.unprivileged_userns_clone" in str(caught.value)
