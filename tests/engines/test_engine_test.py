"""`make engine-test`: the suite against a server that runs already; here, the fake one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from assay.engines import ollama

HERE = Path(__file__).parent


@pytest.mark.slow
def test_the_suite_runs_against_a_running_server_and_prints_a_table(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{HERE / 'fakes'}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "weights").write_text("fake")
    settings = {"model": "m", "seed": 7, "parameters": ollama.EXAMPLES[0]}
    with ollama.open_engine(
        settings, tmp_path / "weights", (tmp_path / "log").open("ab")
    ) as engine:
        address = engine.server.link.address
        asked = {"ASSAY_ENGINE_TEST": "ollama", "URL": address, "MODEL": "assay"}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", str(HERE / "conformance")], cwd=HERE.parents[1],
            env={**os.environ, **asked}, capture_output=True, text=True,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("FAILS")] == []
    assert len([line for line in lines if line.startswith("holds ")]) == 9
    assert "holds      an endless answer ends at its budget and is no void" in lines
    assert "not asked  requests never overlap" in lines
