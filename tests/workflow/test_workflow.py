"""The real workflow, with the reference solvers only: what re-runs, what refuses, what survives."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("workflow")]

SMALL = {
    "run": "small",
    "models": ["oracle", "null"],
    "tasks": {"per_category": 1, "max_units": 16},
    "gates": {"oracle_sample": 4, "repeats": 2},
    "behaviour": {"repeats": 2, "max_scenarios": 200},
}
SNAKEMAKE = Path(sys.executable).parent / "snakemake"


def snakemake(folder, *arguments, **options):
    command = [SNAKEMAKE, "--cores", "2", "--resources", "gpu=1", "--configfile", "small.yaml"]
    return subprocess.run(
        [*command, *arguments], cwd=folder, capture_output=True, text=True, timeout=600, **options
    )


def planned(folder) -> set[str]:
    """The rules that a run would execute."""
    done = snakemake(folder, "--dry-run", "--quiet", "progress", "host")
    assert done.returncode == 0, done.stderr
    rules = re.findall(r"^(?:local)?rule (\w+):", done.stdout + done.stderr, re.MULTILINE)
    return set(rules) - {"all"}


def content(folder) -> dict[str, bytes]:
    root = folder / "results" / "small"
    paths = [path for path in sorted(root.rglob("*")) if path.is_file()]
    names = {path.relative_to(root).as_posix(): path for path in paths}
    return {n: path.read_bytes() for n, path in names.items() if not n.startswith("telemetry/")}


@pytest.fixture(scope="module")
def finished(working_copy):
    (working_copy / "small.yaml").write_text(yaml.safe_dump(SMALL))
    done = snakemake(working_copy)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return working_copy


def test_the_run_ends_with_a_summary_a_report_and_a_manifest(finished):
    root = finished / "results" / "small"
    summary = json.loads((root / "summarise_scores" / "summary.json").read_text())
    tasks = summary["targets"]["cerberus"]["tasks"]
    assert 2 <= tasks["total"] <= 3  # few units: a category may find nothing
    oracle, null = summary["models"]["oracle"], summary["models"]["null"]
    assert (oracle["passed"], oracle["total"], oracle["void"]) == (tasks["total"],) * 2 + (0,)
    assert null["outside_controls"]["passed"] == 0
    assert (root / "telemetry" / "render_report" / "report.html").stat().st_size > 10_000
    listed = json.loads((root / "pack_manifest" / "manifest.json").read_text())
    assert {entry["path"] for entry in listed["files"]} >= {"summarise_scores/summary.json"}


def test_a_second_run_changes_nothing_and_takes_seconds(finished):
    before = content(finished)
    began = time.monotonic()
    done = snakemake(finished)
    assert done.returncode == 0
    assert time.monotonic() - began < 45  # it takes about 5 on an idle machine
    assert "Nothing to be done" in done.stdout + done.stderr
    assert content(finished) == before


def test_touched_files_re_run_nothing(finished):
    later = time.time() + 5
    for path in (finished / "results" / "small").rglob("*.parquet"):
        os.utime(path, (later, later))
        later += 1
    os.utime(finished / "config" / "config.yaml")
    os.utime(finished / "scripts" / "assay" / "operators" / "base.py")
    assert planned(finished) == set()


def test_an_edited_operator_re_runs_exactly_what_depends_on_it(finished):
    operators = sorted((finished / "scripts" / "assay" / "operators").glob("[a-z]*.py"))
    path = next(path for path in operators if path.name != "base.py")
    text = path.read_text()
    path.write_text(text + "\n# an edit\n")
    try:
        found = planned(finished)
    finally:
        path.write_text(text)
    assert "synthesise_tasks" in found
    assert found == {
        "synthesise_tasks", "select_tasks", "run_model", "score_answers", "check_names",
        "summarise_scores", "render_report", "pack_manifest",
    }  # fmt: skip
    assert planned(finished) == set()


def test_with_another_profile_a_contained_step_refuses_to_start(finished, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(finished, other, symlinks=True)
    (other / "results" / "small" / "extract_units" / "cerberus" / "units.parquet").unlink()
    done = snakemake(other, "--workflow-profile", "none", "--forcerun", "extract_units")
    assert done.returncode != 0
    assert "refuses to run outside its container" in done.stdout + done.stderr
    assert not (
        other / "results" / "small" / "extract_units" / "cerberus" / "units.parquet"
    ).exists()


def test_an_image_without_its_marker_is_refused(finished, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(finished, other, symlinks=True)
    (other / "results" / "small" / "extract_units" / "cerberus" / "units.parquet").unlink()
    (tmp_path / "empty.json").write_text("")
    profile = yaml.safe_load((other / "profiles" / "default" / "config.v9+.yaml").read_text())
    profile["apptainer-args"] += f" --bind {tmp_path}/empty.json:/etc/assay-image.json:ro"
    (other / "profiles" / "default" / "config.v9+.yaml").write_text(yaml.safe_dump(profile))
    done = snakemake(other, "--forcerun", "extract_units")
    assert done.returncode != 0
    assert "refuses to run outside its container" in done.stdout + done.stderr


def test_a_container_with_a_network_is_refused(finished, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(finished, other, symlinks=True)
    (other / "results" / "small" / "extract_units" / "cerberus" / "units.parquet").unlink()
    profile = yaml.safe_load((other / "profiles" / "default" / "config.v9+.yaml").read_text())
    profile["apptainer-args"] = profile["apptainer-args"].replace("--net --network none", "")
    (other / "profiles" / "default" / "config.v9+.yaml").write_text(yaml.safe_dump(profile))
    done = snakemake(other, "--forcerun", "extract_units")
    assert done.returncode != 0
    assert "network interface" in done.stdout + done.stderr


def test_a_wrong_config_lists_every_mistake_without_a_traceback(finished, tmp_path):
    (finished / "small.yaml").write_text(yaml.safe_dump({**SMALL, "sede": 3, "seed": "x"}))
    try:
        done = snakemake(finished)
    finally:
        (finished / "small.yaml").write_text(yaml.safe_dump(SMALL))
    assert done.returncode == 2
    assert "2 mistakes" in done.stderr
    assert "did you mean seed?" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_workflow_on_the_same_run_is_refused(finished):
    lock = finished / "results" / ".small.lock"
    with subprocess.Popen(["flock", lock, "sleep", "30"]) as holder:
        time.sleep(0.5)
        done = snakemake(finished)
        holder.kill()
    assert done.returncode == 2
    assert "another process works on the run small" in done.stderr


def test_killed_with_its_container_alive_then_run_again_at_once(finished, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(finished, other, symlinks=True)
    expected = content(finished)
    root = other / "results" / "small"
    for rule in ("select_tasks", "run_model", "score_answers", "summarise_scores", "pack_manifest"):
        shutil.rmtree(root / rule)
    command = [SNAKEMAKE, "--cores", "2", "--resources", "gpu=1", "--configfile", "small.yaml"]
    logs = root / "telemetry" / "logs" / "synthesise_tasks"
    shutil.rmtree(logs)
    process = subprocess.Popen(
        command,
        cwd=other,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not list(logs.rglob("*.log")):
        assert process.poll() is None
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert snakemake(other, "--unlock").returncode == 0
    done = snakemake(other)
    assert done.returncode == 0, done.stderr[-4000:]
    assert content(other) == expected


CONNECT = """
import json, pathlib, socket
told = {"interfaces": [line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line]}
for name, address in {"host": ("127.0.0.1", PORT), "outside": ("192.0.2.1", 443)}.items():
    try:
        socket.create_connection(address, 3).close()
        told[name] = "connected"
    except OSError as error:
        told[name] = type(error).__name__
try:
    socket.getaddrinfo("example.org", 443)
    told["names"] = "resolved"
except OSError as error:
    told["names"] = type(error).__name__
print(json.dumps(told))
"""


@pytest.mark.parametrize("recipe", ["tools", "engine-llamacpp", "testbed-cerberus"])
def test_a_contained_step_reaches_nothing_even_where_the_host_listens(finished, recipe):
    from assay.core.settings import read_yaml
    from assay.images.apptainer import locate
    from assay.images.names import name_of, read_lock
    from assay.images.store import cache_root, image_file

    profile = read_yaml(finished / "profiles" / "default" / "config.v9+.yaml")
    image = image_file(cache_root(), name_of(read_lock(finished, recipe)))
    program = locate(cache_root()) / "apptainer"
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = CONNECT.replace("PORT", str(server.getsockname()[1]))
        command = [
            program,
            "exec",
            *profile["apptainer-args"].split(),
            image,
            "python3",
            "-c",
            code,
        ]
        environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    told = json.loads(done.stdout)
    assert told["interfaces"] == ["lo"]
    assert "connected" not in {told["host"], told["outside"]}
    assert told["names"] == "gaierror"
