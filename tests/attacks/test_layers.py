"""Each layer taken away in turn, through the step itself in its own container: it refuses.

It says which layer is missing and what to do, scores nothing and leaves no file behind. What a
sound step reached stands in the verdicts and beside them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import contained
import handmade
import pytest
from taken_away import FAKE, MISSING

from assay.core.records import VERDICTS
from assay.core.tables import read_table
from assay.images.store import cache_root
from assay.sandbox.level import DEFAULT, REMEDY

pytestmark = pytest.mark.slow
BWRAP = "/usr/local/bin/bwrap"
USER_NAMESPACES = "/proc/sys/user/max_user_namespaces"
# Start a program as root of a user namespace that may make one more, which the container takes.
FEW_NAMESPACES = ["unshare", "--user", "--map-root-user", "sh", "-c",
                  f'echo 1 > {USER_NAMESPACES} && exec "$@"', "sh"]  # fmt: skip

FEW_FILES = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Step:
    """Runs score_answers over answers of our own in the testbed container."""

    def __init__(self, work: Path, files: dict[str, Path]) -> None:
        self.work, self.files, self.number = work, files, 0
        self.image, self.place = contained.testbed("cerberus", cache_root())

    def run(self, *, change: str = "", layers=DEFAULT, before=(), flags=()):
        """Return what became of it, and the folder that its outputs would be in."""
        self.number += 1
        out = self.work / f"out-{self.number}"
        (out / "bin").mkdir(parents=True)
        argv = handmade.step(self.files, out, self.image, handmade.settings(layers))
        if change:
            fake = out / "bin" / "bwrap"
            fake.write_text(FAKE.format(python="/usr/bin/python3", change=change, bwrap=BWRAP))
            fake.chmod(0o755)
            argv = ["env", f"PATH={out / 'bin'}:/usr/local/bin:/usr/bin:/bin", *argv]
        done = subprocess.run(
            [*before, *contained.command(self.work, self.place, argv, flags)], cwd=self.work,
            env=contained.variables(cache_root()), capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        return done, out


@pytest.fixture(scope="module")
def step(working_copy, tiny) -> Step:
    answers = {"right": tiny.right, "void": "x"}
    return Step(working_copy, handmade.make(working_copy / "handmade", tiny, answers))


def refused(done, out: Path) -> str:
    """Check that a step refused and did nothing; return what it said."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert not list(out.glob("*.parquet"))
    assert not list(out.glob("*.json"))
    return done.stderr[done.stderr.index("error:") :]


def test_a_sound_step_runs_and_records_its_level(step):
    done, out = step.run()
    assert done.returncode == 0, done.stderr
    rows = read_table(out / "verdicts.parquet", VERDICTS)
    assert [(row["task_id"], row["status"]) for row in rows] == [
        ("right", "passed"), ("void", "void"),
    ]  # fmt: skip
    assert {row["layers"] for row in rows} == {"namespaces network rlimits seccomp"}
    measured = json.loads((out / "sandbox.json").read_text())
    assert measured["sandbox"] == {
        **dict.fromkeys(DEFAULT, True), "cgroup": measured["sandbox"]["cgroup"],
    }  # fmt: skip


@pytest.mark.parametrize(("layer", "change"), MISSING)
def test_without_a_layer_the_step_refuses_and_says_what_to_do(step, layer, change):
    said = refused(*step.run(change=change))
    assert "nothing untrusted runs" in said
    assert layer in said.split("given:")[1].splitlines()[0]
    assert f"{layer}: {REMEDY[layer]}" in said


def test_a_layer_that_nobody_asked_for_may_be_missing_and_is_recorded_as_such(step):
    without = next(change for layer, change in MISSING if layer == "rlimits")
    done, out = step.run(change=without, layers=("namespaces", "network", "seccomp"))
    assert done.returncode == 0, done.stderr
    rows = read_table(out / "verdicts.parquet", VERDICTS)
    assert {row["layers"] for row in rows} == {"namespaces network seccomp"}
    assert json.loads((out / "sandbox.json").read_text())["sandbox"]["rlimits"] is False


def test_a_cgroup_that_is_asked_for_and_absent_is_refused(step, tmp_path):
    """No fake here: the container has no control groups to make any in."""
    nothing = ("--bind", f"{tmp_path}:/sys/fs/cgroup")
    said = refused(*step.run(layers=("namespaces", "cgroup"), flags=nothing))
    assert "missing: cgroup" in said
    assert REMEDY["cgroup"] in said


def test_a_machine_without_bubblewrap_is_refused(step):
    said = refused(*step.run(change="sys.exit('bwrap: not permitted')"))
    assert "the sandbox does not start" in said
    assert "bwrap: not permitted" in said


def test_a_machine_without_user_namespaces_is_refused(step):
    """No fake here: the kernel itself refuses the sandbox's namespace."""
    tried = subprocess.run([*FEW_NAMESPACES, "true"], capture_output=True)
    if tried.returncode:
        pytest.skip("no user namespace can be made here, so none can be limited")
    said = refused(*step.run(before=FEW_NAMESPACES))
    assert "the sandbox does not start" in said
    assert "user.max_user_namespaces above 0" in said


def test_a_machine_with_low_hard_limits_is_refused(step):
    """No fake here: the shell in the sandbox can't raise what its starter has lowered."""
    said = refused(*step.run(before=[sys.executable, "-c", FEW_FILES]))
    assert "the sandbox does not start" in said
    assert "raise the hard limits" in said


def test_outside_its_container_the_step_refuses(step, repository):
    argv = handmade.step(step.files, step.work / "bare", step.image, handmade.settings())
    done = subprocess.run(
        [sys.executable, *argv[1:]], cwd=repository, env=dict(os.environ), capture_output=True,
        text=True,
    )  # fmt: skip
    assert "refuses to run outside its container" in refused(done, step.work)
