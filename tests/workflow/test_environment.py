"""What Apptainer finds in its environment: the cards only where a model uses them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.workflow import environment


@pytest.fixture
def told(monkeypatch, tmp_path):
    """What is set, given whether a model uses a card and whether there is one."""

    def make(*, wanted, there):
        control = tmp_path / "nvidiactl"
        control.write_text("") if there else control.unlink(missing_ok=True)
        monkeypatch.setattr(environment, "CONTROL", control)
        monkeypatch.setattr(environment, "runtime_folder", lambda: Path("/runtime"))
        monkeypatch.setattr(environment, "runtime_version", lambda: "apptainer 1.4")
        with monkeypatch.context() as inner:
            inner.setattr(os, "environ", {"PATH": "/bin"})
            environment.set_environment(cards=wanted)
            return dict(os.environ)

    return make


@pytest.mark.parametrize(("wanted", "there"), [(True, True), (True, False), (False, True)])
def test_cards_are_shown_where_they_are_wanted_and_there(told, wanted, there):
    assert told(wanted=wanted, there=there).get("APPTAINER_NV") == (
        "1" if wanted and there else None
    )


def test_what_decides_bytes_is_fixed_inside_and_outside(told):
    found = told(wanted=False, there=False)
    for name, value in environment.FIXED_ENVIRONMENT.items():
        assert found[name] == found[f"APPTAINERENV_{name}"] == value
