"""A target proposed from its source: what is seen in it, a valid config, what is left to do."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from assay.core.errors import UserError
from assay.core.settings import load
from assay.sources.proposal import propose, source_of
from assay.sources.survey import survey

ROOT = Path(__file__).parents[2]
FILES = {
    "setup.py": b"from setuptools import setup",
    "docs/conf.py": b"",
    "thing/__init__.py": b"from thing.parts import Box, quote, ThingError, unused\n",
    "thing/parts.py": (
        b"class ThingError(ValueError): ...\n"
        b"class Box:\n    def open(self): ...\n    def shut(self): ...\n    def _x(self): ...\n"
        b"def quote(text): ...\ndef unused(): ...\n"
    ),
    "tests/__init__.py": b"",
    "tests/test_thing.py": (
        b"import json, numpy\nfrom thing import Box, quote, ThingError\n"
        b"def test_a():\n    Box().open()\n    quote('a')\n    quote('b')\n    ThingError()\n"
    ),
    "tests/deep/test_more.py": b"",
    "conftest.py": b"",
}
METADATA = (
    b"Metadata-Version: 2.1\nName: thing\nVersion: 1.0\nSummary: Boxes: open and shut\n"
    b"License: MIT\nRequires-Dist: attrs>=22\nRequires-Dist: rich; extra == 'cli'\n\n"
)


def test_the_code_the_tests_and_what_they_import_are_found():
    found = survey(FILES)
    assert found.packages == ["thing"]
    assert found.tests == ["tests"]
    assert found.imported == ["numpy"]


def test_public_names_that_the_tests_call_are_ranked_with_the_methods_they_call():
    found = [(entry.name, entry.uses, entry.methods) for entry in survey(FILES).entries]
    assert found == [("thing:quote", 2, []), ("thing:Box", 1, ["open"])]


def test_all_limits_what_is_public():
    front = FILES["thing/__init__.py"] + b"__all__ = ['Box']\n"
    assert [e.name for e in survey({**FILES, "thing/__init__.py": front}).entries] == ["thing:Box"]


def test_a_source_folder_is_a_root_of_imports():
    files = {
        (f"src/{path}" if path.startswith("thing/") else path): data for path, data in FILES.items()
    }
    found = survey(files)
    assert (found.packages, found.source_roots) == (["src/thing"], ["src"])
    assert found.entries[0].name == "thing:quote"


def test_tests_beside_the_code_are_found():
    files = {path.replace("tests/", "thing/tests/"): data for path, data in FILES.items()}
    found = survey(files)
    assert (found.packages, found.tests) == (["thing"], ["thing/tests"])


def test_a_file_that_is_no_python_is_passed_over():
    assert survey({**FILES, "thing/broken.py": b"def"}).packages == ["thing"]


def archive(folder, files):
    path = folder / "thing-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, data in {**files, "PKG-INFO": METADATA}.items():
            member = tarfile.TarInfo(f"thing-1.0/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"archive": {"path": str(path), "sha256": digest}}


def test_the_proposed_config_is_one_that_the_workflow_accepts(tmp_path):
    made = propose("thing", archive(tmp_path, FILES), tmp_path / "cache")
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "config", copy / "config")
    (copy / "config/targets/thing.yaml").write_text(made.files["config/targets/thing.yaml"])
    config = yaml.safe_load((copy / "config/config.yaml").read_text())
    (copy / "config/config.yaml").write_text(yaml.safe_dump({**config, "targets": ["thing"]}))
    target = load(copy / "config").targets["thing"]
    assert target["description"] == "Boxes: open and shut"
    assert (target["licence"], target["scan"]) == ("MIT", ["thing"])
    assert [entry["entry"] for entry in target["entry_points"]] == ["thing:quote", "thing:Box"]


def test_requirements_come_from_the_metadata_and_guesses_are_comments(tmp_path):
    made = propose("thing", archive(tmp_path, FILES), tmp_path / "cache")
    lines = made.files["envs/targets/thing.in"].splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "attrs>=22", "coverage", "pytest",
    ]  # fmt: skip
    assert "# numpy  # imported by the tests" in lines


def test_what_is_left_names_the_commands(tmp_path):
    left = "\n".join(propose("thing", archive(tmp_path, FILES), tmp_path / "cache").left)
    assert "make relock-of-thing" in left
    assert "make relock-images IMAGES=testbed-thing" in left


def test_an_archive_without_tests_is_refused_with_advice(tmp_path):
    files = {path: data for path, data in FILES.items() if not path.startswith("tests/")}
    with pytest.raises(UserError, match="holds no test") as caught:
        propose("thing", archive(tmp_path, files), tmp_path / "cache")
    assert "repository" in str(caught.value)


def test_a_repository_is_proposed_too(tmp_path):
    tree = tmp_path / "repository"
    for name, data in FILES.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(data)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tree)]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], check=True)
    commit = subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()
    made = propose("thing", source_of("", tree.as_uri(), commit), tmp_path / "cache")
    assert (
        yaml.safe_load(made.files["config/targets/thing.yaml"])["source"]["git"]["commit"] == commit
    )
    assert any("no metadata" in item for item in made.left)
    assert any("licence" in item for item in made.left)


@pytest.mark.parametrize(
    "given", [("thing", "", ""), ("", "", ""), ("thing==1", "file:///x", "a" * 40)]
)
def test_one_source_is_asked_for(given):
    with pytest.raises(UserError, match="one source"):
        source_of(*given)


def test_the_program_overwrites_nothing(tmp_path):
    tree = tmp_path / "there"
    (tree / "config/targets").mkdir(parents=True)
    (tree / "config/targets/other.yaml").write_text("mine")
    program = [sys.executable, str(ROOT / "scripts/propose_target.py")]
    done = subprocess.run(
        [*program, "--archive", "other", "--repository", str(tree)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert (tree / "config/targets/other.yaml").read_text() == "mine"
