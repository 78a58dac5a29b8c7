from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assay.core.files import write_json
from assay.provenance.manifest import manifest, measured

PROGRAM = Path(__file__).parents[2] / "scripts" / "verify_manifest.py"


@pytest.fixture
def run(tmp_path):
    root = tmp_path / "results" / "pilot"
    write_json(root / "fetch_source" / "t" / "source.json", {"sha256": "00"})
    write_json(root / "run_model" / "m" / "responses.parquet", [1])
    write_json(root / "telemetry" / "x.json", [2])
    files = [path for path in root.rglob("*") if path.is_file() and "telemetry" not in path.parts]
    made = manifest(root, files, {"recorded": {"seed": 1}, "code": {"a": "1"}})
    write_json(root / "pack_manifest" / "manifest.json", made)
    write_json(tmp_path / "theirs.json", made)
    return tmp_path


def verify(folder):
    command = [
        sys.executable,
        PROGRAM,
        "--against",
        folder / "theirs.json",
        "--results",
        folder / "results",
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_a_manifest_says_what_each_file_depends_on(run):
    made = json.loads((run / "theirs.json").read_text())
    depends = {entry["path"]: entry["depends_on"] for entry in made["files"]}
    assert depends == {
        "fetch_source/t/source.json": "config",
        "run_model/m/responses.parquet": "config and engine fingerprint",
    }
    assert made["inputs"]["sources"] == {"t": {"sha256": "00"}}


def test_equal_results_verify(run):
    done = verify(run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 equal, 0 not" in done.stdout


@pytest.mark.parametrize(
    ("text", "word"), [("[2]\n", "DIFFERENT"), ("[1, 2]", "DIFFERENT"), (None, "MISSING")]
)
def test_a_changed_or_missing_file_is_named_and_the_exit_is_not_zero(run, text, word):
    path = run / "results" / "pilot" / "run_model" / "m" / "responses.parquet"
    path.unlink() if text is None else path.write_text(text)
    done = verify(run)
    assert done.returncode == 1
    assert f"{word}" in [
        line.split()[0] for line in done.stdout.splitlines() if "responses" in line
    ]


def test_another_config_is_named_by_its_path(run):
    theirs = json.loads((run / "theirs.json").read_text())
    theirs["config"]["seed"] = 2
    write_json(run / "theirs.json", theirs)
    done = verify(run)
    assert done.returncode == 1
    assert "(config)  seed" in done.stdout


@pytest.mark.parametrize("text", ["{}", "[]", "x"])
def test_what_is_no_manifest_is_a_clear_error(run, text):
    (run / "theirs.json").write_text(text)
    done = verify(run)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_measured_files_are_listed_apart(run):
    root = run / "results" / "pilot"
    made = measured(root, [root / "telemetry" / "x.json"], {"ASSAY_RUNTIME": "apptainer 1.4.5"})
    assert made["files"][0]["depends_on"] == "machine"
    assert made["machine"]["container_runtime"] == "apptainer 1.4.5"
