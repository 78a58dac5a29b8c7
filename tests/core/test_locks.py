from __future__ import annotations

import subprocess
import sys
import time

import pytest

from assay.core.errors import UserError
from assay.core.locks import exclusive, owned

HOLD = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from assay.core.locks import exclusive
with exclusive(Path(sys.argv[2]), "holder"):
    print("held", flush=True)
    time.sleep(float(sys.argv[3]))
"""
WATCH = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from assay.core.locks import die_with_owner
die_with_owner(Path(sys.argv[2]))
print("watching", flush=True)
time.sleep(60)
"""


@pytest.fixture
def spawn(request):
    scripts = str(request.config.rootpath / "scripts")
    started = []

    def start(code, *arguments):
        command = [sys.executable, "-c", code, scripts, *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        process.stdout.readline()
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_second_instance_waits_for_the_first(tmp_path, spawn, capsys):
    path = tmp_path / "x.lock"
    spawn(HOLD, path, 1.5)
    began = time.monotonic()
    with exclusive(path, "second"):
        assert time.monotonic() - began > 0.8
    assert "waiting for another instance" in capsys.readouterr().err


def test_a_lock_vanishes_with_a_killed_holder(tmp_path, spawn):
    path = tmp_path / "x.lock"
    holder = spawn(HOLD, path, 60)
    assert owned(path)
    holder.kill()
    holder.wait()
    assert not owned(path)


def test_a_step_dies_with_the_workflow_that_owns_it(tmp_path, spawn):
    path = tmp_path / "run.lock"
    owner = spawn(HOLD, path, 60)
    step = spawn(WATCH, path)
    time.sleep(1.2)
    assert step.poll() is None
    owner.kill()
    assert step.wait(timeout=5) == 1


def test_a_lock_that_cannot_be_made_names_its_file(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UserError, match=r"file/x\.lock"), exclusive(tmp_path / "file/x.lock", "x"):
        pass
