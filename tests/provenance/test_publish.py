from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from assay.core.errors import UserError
from assay.core.files import read_json, write_json
from assay.provenance.publish import publish

ROOT = Path(__file__).parents[2]


def test_the_archive_is_the_same_bytes_from_another_folder_umask_and_time(run, tmp_path):
    first = publish(run, ROOT, tmp_path / "out")
    other = tmp_path / "deeper" / "results" / "fake"
    shutil.copytree(run, other)
    for path in other.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    mask = os.umask(0o077)
    try:
        second = publish(other, ROOT, tmp_path / "deeper" / "out")
    finally:
        os.umask(mask)
    assert first.archive.read_bytes() == second.archive.read_bytes()
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["fake", "fake.tar"]


def test_nothing_measured_is_packed_and_all_that_was_promised_is(published):
    names = {p.relative_to(published).as_posix() for p in published.rglob("*") if p.is_file()}
    assert not [name for name in names if "telemetry" in name or "measured" in name]
    assert "secret" not in (published / "fingerprints" / "oracle.json").read_text()
    assert {
        "config.json", "digests.txt", "results/pack_manifest/manifest.json",
        "results/select_tasks/toy/keys.parquet", "results/run_model/oracle/responses.parquet",
        "results/summarise_scores/assay.sqlite", "recipes/containers/tools.yaml",
        "recipes/containers/locks/tools.lock.json", "results/fetch_source/toy/source.json",
    } <= names  # fmt: skip
    assert read_json(published / "publication.json")["left_out"] == ["fetch_source/toy/source.tar"]


def test_the_text_beside_the_tables_has_digests_and_counts(published):
    text = (published / "digests.txt").read_text()
    assert "target toy: 3 tasks (c 3), 0 rejected\nmodel oracle: 3/3 passed, 0 void" in text
    assert "  select_tasks/toy/keys.parquet\n" in text
    assert "  fetch_source/toy/source.tar (not in here)\n" in text


def test_a_lean_publication_leaves_out_what_follows_from_the_rest(run, tmp_path):
    made = publish(run, ROOT, tmp_path / "out", lean=True, archive=False)
    assert made.archive is None
    assert not (made.folder / "results" / "summarise_scores" / "assay.sqlite").exists()
    assert (
        "summarise_scores/assay.sqlite" in read_json(made.folder / "publication.json")["left_out"]
    )


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("pack_manifest/manifest.json", "it has no manifest"),
        ("run_model/oracle/responses.parquet", "a file is missing"),
    ],
)
def test_an_unfinished_run_is_refused(run, tmp_path, name, word):
    (run / name).unlink()
    with pytest.raises(UserError, match=word):
        publish(run, ROOT, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_that_is_not_what_its_manifest_says_is_refused_by_the_files_name(run, tmp_path):
    path = run / "score_answers" / "oracle" / "toy" / "verdicts.parquet"
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match="not what its manifest says") as refused:
        publish(run, ROOT, tmp_path / "out")
    assert str(path) in str(refused.value)


def test_a_run_that_is_under_way_is_refused(run, tmp_path):
    with (run.parent / ".fake.lock").open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="under way"):
            publish(run, ROOT, tmp_path / "out")


def test_a_run_in_images_that_are_no_longer_locked_is_refused(fakes, tmp_path):
    root = fakes.run(tmp_path / "results" / "fake")
    old = next((root / "build_image").iterdir())
    made = read_json(root / "pack_manifest" / "manifest.json")
    name = "tools-000000000000"
    made["inputs"]["images"] = {name: {**read_json(old), "image": name}}
    write_json(root / "pack_manifest" / "manifest.json", made)
    with pytest.raises(UserError, match="the locks have changed since the run"):
        publish(root, ROOT, tmp_path / "out")


def test_a_folder_that_holds_something_else_is_not_overwritten(run, tmp_path):
    (tmp_path / "out" / "fake").mkdir(parents=True)
    (tmp_path / "out" / "fake" / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="something else"):
        publish(run, ROOT, tmp_path / "out")
    assert (tmp_path / "out" / "fake" / "mine.txt").read_text() == "keep"


def test_the_program_tells_a_mistake_without_a_traceback(tmp_path):
    command = [sys.executable, ROOT / "scripts" / "publish_run.py", "--run", tmp_path / "no"]
    done = subprocess.run(
        [*command, "--to", tmp_path / "out"], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.returncode == 2
    assert "error: the run is not finished" in done.stderr
    assert "Traceback" not in done.stderr
