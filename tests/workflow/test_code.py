from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.workflow.code import closure, code_digest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def scripts(tmp_path):
    files = {
        "make_thing.py": "from assay.room import one\n",
        "assay/__init__.py": "",
        "assay/room/__init__.py": "",
        "assay/room/one.py": 'import assay.core.registry as r\nr.discover("plugs")\n"worker.py"\n',
        "assay/room/two.py": "",
        "assay/room/worker.py": "",
        "assay/core/__init__.py": "",
        "assay/core/registry.py": "",
        "assay/plugs/__init__.py": "",
        "assay/plugs/base.py": "",
        "assay/plugs/red.py": "",
        "assay/plugs/blue.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def names(found, scripts):
    return {path.relative_to(scripts).as_posix() for path in found}


def test_the_closure_holds_imports_plugins_and_mounted_files_and_no_more(scripts):
    found = names(closure(scripts, "make_thing", {}), scripts)
    assert "assay/room/two.py" not in found
    assert {"assay/room/worker.py", "assay/plugs/red.py", "assay/core/registry.py"} <= found
    some = names(closure(scripts, "make_thing", {"plugs": ["red"]}), scripts)
    assert "assay/plugs/red.py" in some
    assert "assay/plugs/blue.py" not in some


def test_an_edit_changes_the_digest_and_a_touch_does_not(scripts):
    before = code_digest(scripts, "make_thing")
    os.utime(scripts / "assay/plugs/red.py", (1, 1))
    (scripts / "assay/room/two.py").write_text("changed = 1\n")
    assert code_digest(scripts, "make_thing") == before
    (scripts / "assay/plugs/red.py").write_text("changed = 1\n")
    assert code_digest(scripts, "make_thing") != before


def test_an_operator_concerns_synthesis_and_neither_mining_nor_the_model():
    operators = set((SCRIPTS / "assay/operators").glob("*.py"))
    assert operators <= closure(SCRIPTS, "synthesise_tasks", {})
    for rule in ("extract_units", "record_behaviour", "run_model", "fetch_source"):
        assert not operators & closure(SCRIPTS, rule, {})


def test_what_runs_in_the_sandbox_is_part_of_every_step_that_runs_code_there():
    inside = set((SCRIPTS / "assay/testbed/inside").glob("*.py"))
    for rule in ("record_behaviour", "synthesise_tasks", "score_answers"):
        assert inside <= closure(SCRIPTS, rule, {}), rule
