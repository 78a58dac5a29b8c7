from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from pathlib import Path
from assay.core.errors import HarnessError, UserError
from assay.core.program import parser, run
kind = sys.argv.pop(1)
def main(arguments):
    if kind == "user":
        raise UserError("no such thing", where="there", hint="look elsewhere")
    if kind == "harness":
        raise HarnessError("it broke")
    Path("out").write_text(arguments.settings["word"])
run(main, parser("test", contained=kind == "contained").parse_args(), Path("lock"))
"""


def start(request, tmp_path, kind, *arguments):
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        str(request.config.rootpath / "scripts"),
        kind,
        *arguments,
    ]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30)


def test_a_step_writes_its_output_and_its_log(request, tmp_path):
    done = start(request, tmp_path, "good", "--settings", '{"word": "yes"}', "--log", "log/x.log")
    assert (done.returncode, (tmp_path / "out").read_text()) == (0, "yes")
    assert "PYTHONHASHSEED" in (tmp_path / "log" / "x.log").read_text()


def test_the_users_mistake_is_exit_2_ours_exit_1_and_neither_a_traceback(request, tmp_path):
    user = start(request, tmp_path, "user")
    ours = start(request, tmp_path, "harness")
    assert (user.returncode, ours.returncode) == (2, 1)
    assert "look elsewhere" in user.stderr
    assert "it broke" in ours.stderr
    assert "Traceback" not in user.stderr + ours.stderr


def test_a_contained_step_refuses_to_run_on_the_host(request, tmp_path):
    done = start(request, tmp_path, "contained", "--image", "tools-000000000000")
    assert done.returncode == 2
    assert "outside its container" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_log_on_a_full_disk_is_given_up_and_said(request, tmp_path):
    done = start(request, tmp_path, "good", "--settings", '{"word": "yes"}', "--log", "/dev/full")
    assert (done.returncode, (tmp_path / "out").read_text()) == (0, "yes")
    assert done.stderr.count("can't write the log /dev/full: No space left on device") == 1
    failed = start(request, tmp_path, "user", "--log", "/dev/full")
    assert failed.returncode == 2
    assert "no such thing" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_log_that_cannot_be_made_is_the_users_error(request, tmp_path):
    (tmp_path / "file").write_text("no folder")
    done = start(request, tmp_path, "good", "--log", "file/x.log")
    assert done.returncode == 2
    assert "file/x.log" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
