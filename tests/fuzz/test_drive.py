"""A short fuzz of each target, and that what breaks a promise is found and kept."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fuzzing.broken import BrokenError, hold
from fuzzing.corpus import dictionary
from fuzzing.kept import Kept
from fuzzing.watch import bounded

ROOT = Path(__file__).parents[2]
HAS_ATHERIS = importlib.util.find_spec("atheris") is not None


def fuzzed(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(ROOT / "scripts"), str(ROOT / "tests/fuzz")])
    return subprocess.run(
        [sys.executable, "-m", "fuzzing", "--folder", str(folder), *arguments],
        env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not HAS_ATHERIS, reason="there is no Atheris for this Python and machine")
@pytest.mark.parametrize("target", ["answers", "codec", "frames"])
def test_a_short_fuzz_finds_nothing(target, tmp_path):
    done = fuzzed(tmp_path, "--no-growth", "--minutes", "0.1", target)
    assert done.returncode == 0, done.stdout + done.stderr
    head, row = (line.split() for line in done.stdout.splitlines())
    assert head[0] == "target"
    assert row[0] == target
    assert row[-1] == "0"
    assert (tmp_path / target / "corpus").is_dir()


def test_an_unknown_target_is_refused(tmp_path):
    done = fuzzed(tmp_path, "answer")
    assert done.returncode == 2
    assert "unknown target answer" in done.stderr


def test_the_smallest_of_each_kind_is_kept(tmp_path):
    kept = Kept(tmp_path)
    for data in (b"aaa", b"a", b"aa", b"b" * 9):
        try:
            hold(data.startswith(b"a"), "it begins with b")
            hold(data.startswith(b"b"), "it begins with a")
        except BrokenError as error:
            kept.found(data, error)
        kept.ran(data, 1.0 / len(data))
    found = sorted((tmp_path / "findings").glob("*.txt"))
    assert sorted(path.with_suffix("").read_bytes() for path in found) == [b"a", b"b" * 9]
    assert all("it begins with" in path.read_text() for path in found)
    kept.write(0.0)
    assert (tmp_path / "slowest").read_bytes() == b"a"


def test_what_takes_too_long_is_a_finding():
    with pytest.raises(BrokenError, match="too slow"):
        bounded(lambda _: sum(range(200_000)), slower=1e-6)(b"a")
    assert bounded(lambda _: None)(b"a") < 1


def test_the_dictionary_is_as_libfuzzer_reads_it():
    lines = dictionary().splitlines()
    assert r'"\x60\x60\x60"' in lines
    assert all(line[0] == line[-1] == '"' and len(line) % 4 == 2 for line in lines)
