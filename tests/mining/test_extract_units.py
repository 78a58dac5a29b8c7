"""The program: a canonical tree in, the table out."""

import argparse
import importlib.util
import subprocess
import sys

import pytest

from assay.core.records import UNITS
from assay.core.tables import read_table
from assay.sources.tree import FILE, LINK, Entry, write

TREE = {
    "pkg/a.py": Entry(FILE, b"def f():\n    return 1\n"),
    "pkg/link.py": Entry(LINK, b"a.py"),
    "pkg/caf\udce9.py": Entry(FILE, b"def g(): pass\n"),
    "pkg/broken.py": Entry(FILE, b"def f(:\n"),
    "build/b.py": Entry(FILE, b"def h(): pass\n"),
}


@pytest.fixture
def program(repository):
    spec = importlib.util.spec_from_file_location(
        "extract_units", repository / "scripts" / "extract_units.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def extracted(program, rules_folder, tmp_path):
    write(tmp_path / "source.tar", TREE)

    def extract(name, **options):
        given = argparse.Namespace(
            source=tmp_path / "source.tar", target="t", rules=rules_folder,
            units=tmp_path / name, settings={"target": {"package": "pkg", **options}},
        )  # fmt: skip
        program.main(given)
        return given.units

    return extract


def test_units_of_a_tree(extracted):
    rows = read_table(extracted("units.parquet"), UNITS)
    assert [(row["unit_id"], row["problem"]) for row in rows] == [
        ("pkg/a.py", None),
        ("pkg/a.py::f", None),
        ("pkg/broken.py", "syntax error at line 1: invalid syntax"),
        ("pkg/caf\\xe9.py", "the path is not UTF-8"),
    ]


def test_the_same_bytes_twice_and_the_targets_settings_count(extracted):
    first, second = extracted("a.parquet"), extracted("b.parquet")
    assert first.read_bytes() == second.read_bytes()
    kept = read_table(extracted("c.parquet", keep=["build/b.py"], skip=["broken.py"]), UNITS)
    assert {row["path"] for row in kept} == {"build/b.py", "pkg/a.py", "pkg/caf\\xe9.py"}


def test_it_refuses_to_run_outside_its_container(repository, tmp_path):
    command = [sys.executable, repository / "scripts" / "extract_units.py", "--image", "tools-0"]
    for flag in ("source", "target", "rules", "units"):
        command += [f"--{flag}", tmp_path / flag]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "outside its container" in done.stderr
    assert not (tmp_path / "units").exists()
