"""Set-up on a bare machine, with the smallest image only (`make setup-from-nothing`: with all)."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from assay.images import apt

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("from-nothing")]
SMALLEST = "tools"
PATIENCE_S = 1200


@pytest.fixture
def registries(tmp_path, repository):
    """Skip, with the reason, where a registry can't be reached: all of this is downloads."""
    lock = (repository / "envs/dev.txt").read_text()
    block = re.search(r"^installer==(?:.*\\\n)*.*", lock, re.MULTILINE)[0]
    (tmp_path / "one.txt").write_text(block + "\n")
    pip = [sys.executable, "-m", "pip", "--timeout=10", "--retries=1", "--no-cache-dir",
           "download", "--quiet", "--no-deps", "--require-hashes", f"--dest={tmp_path}",
           f"--requirement={tmp_path / 'one.txt'}"]  # fmt: skip
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no package index can be reached: {done.stderr[-300:]}")
    index = f"{apt.mirrors()[0]}/dists/sid/InRelease" if apt.mirrors() else "no sources"
    command = [apt.HELPER, "-o", "APT::Sandbox::User=", "-o", "Acquire::http::Timeout=10",
               "download-file", index, str(tmp_path / "InRelease")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no Debian mirror can be reached: {done.stderr[-300:]}")


def test_a_bare_machine_sets_up_and_runs_an_image(repository, registries, tmp_path):
    script = repository / "tests/images/setup_from_nothing.sh"
    done = subprocess.run(
        [script, "--image", SMALLEST], text=True, capture_output=True, timeout=PATIENCE_S,
        env=os.environ | {"TMPDIR": str(tmp_path), "PYTHON": sys.executable},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    assert re.search(rf"{SMALLEST}-\w{{12}} ran a command: sha256 \w{{64}}", done.stderr)
    assert not list(tmp_path.glob("from-nothing-*")), "the trial is cleared away"


def test_an_unknown_option_is_refused(repository):
    script = repository / "tests/images/setup_from_nothing.sh"
    done = subprocess.run([script, "--colour"], text=True, capture_output=True)
    assert done.returncode == 2
    assert "unknown option --colour" in done.stderr
