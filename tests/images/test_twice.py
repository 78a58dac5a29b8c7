"""The comparison of two builds; the builds themselves are `make images-twice`."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from assay.core.errors import HarnessError, UserError
from assay.images import once, twice
from assay.images.twice import compare_all, conditions, require_different, verdict

from .conftest import open_to_others

TELL = """
import json, os
print(json.dumps({"folder": os.getcwd(), "locale": os.environ["LC_ALL"], "user": os.getuid(),
                  "time zone": os.environ["TZ"], "umask": os.umask(0)}))
"""
LOCK = {"result": {"sha256": "a"}}
SEEN = {"cores": 1, "folder": "/x", "locale": "C", "time zone": "UTC", "umask": "022", "user": 0}
OTHER = {"cores": 2, "folder": "/y", "locale": "D", "time zone": "X", "umask": "077", "user": 9}


def test_only_two_builds_equal_to_the_lock_are_equal():
    def told(*digests):
        return verdict(LOCK, [{"sha256": digest} for digest in digests])

    assert told("a", "a") == ""
    assert told("a", "b") == "first build a, second build b, lock a"
    assert told("b", "a")
    assert told("b", "b"), "equal twice is not enough: the lock promises the bytes"


@pytest.mark.parametrize("name", [name for name in SEEN if name != "cores"])
def test_a_variation_that_did_not_arrive_is_an_error(name):
    require_different([SEEN, OTHER | {"cores": 2}])
    with pytest.raises(HarnessError, match=f"did not differ in {name}"):
        require_different([SEEN, OTHER | {name: SEEN[name]}])


def test_an_unknown_image_is_named(repository, tmp_path):
    with pytest.raises(UserError, match=r"toolz(.|\n)*tools"):
        compare_all(repository, tmp_path, ["toolz"])


def test_what_is_not_resolved_is_left_out_and_said(repository, tmp_path, capsys, monkeypatch):
    (tmp_path / "containers").mkdir()
    recipe = repository / "containers/engine-ollama.yaml"
    (tmp_path / "containers/engine-ollama.yaml").write_text(recipe.read_text())
    assert compare_all(tmp_path, tmp_path / "cache", [])
    assert "not resolved here: engine-ollama" in capsys.readouterr().err
    with pytest.raises(UserError, match="make relock ENGINE=engine-ollama"):
        compare_all(tmp_path, tmp_path / "cache", ["engine-ollama"])


def test_both_builds_are_of_one_user_where_the_other_can_not_run_apptainer(tmp_path, monkeypatch):
    open_to_others(tmp_path)
    monkeypatch.setenv("APPTAINER_NOHTTPS", "1")
    monkeypatch.setattr(twice, "locate", lambda _: tmp_path / "none")
    first, second = twice.with_apptainer(conditions(tmp_path), tmp_path)
    assert first.user is second.user is None
    assert first.variables["APPTAINER_NOHTTPS"] == second.variables["APPTAINER_NOHTTPS"] == "1"
    require_different([SEEN, OTHER | {"user": SEEN["user"]}], same_user=True)
    # A program that everybody can run.
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/apptainer").write_text("#!/bin/sh\n")
    (tmp_path / "bin/apptainer").chmod(0o755)
    monkeypatch.setattr(twice, "locate", lambda _: tmp_path / "bin")
    pair = conditions(tmp_path / "again")
    assert twice.with_apptainer(pair, tmp_path)[1].user == pair[1].user


def test_the_two_conditions_arrive_in_the_programs(tmp_path):
    open_to_others(tmp_path)
    seen = []
    for condition in conditions(tmp_path):
        condition.folder.mkdir(exist_ok=True, parents=True)
        done = condition.start(["-c", TELL], stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stderr
        seen.append(json.loads(done.stdout))
    require_different([report | {"cores": number} for number, report in enumerate(seen)])
    assert [report["umask"] for report in seen] == [0o022, 0o077]
    assert seen[1]["user"] != 0


def test_a_program_tells_its_own_conditions(tmp_path):
    told = once.conditions(tmp_path)
    assert told["user"] == os.getuid()
    assert told["cores"] == len(os.sched_getaffinity(0))
    assert told["folder"] == str(tmp_path)
