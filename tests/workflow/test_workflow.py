"""The real workflow, with the reference solvers only: what re-runs, what refuses, what survives."""

from __future__ import annotations

import fcntl
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
    with (finished / "results" / ".small.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = snakemake(finished)
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


@pytest.fixture(scope="module")
def published(finished) -> Path:
    """The small run, packed."""
    done = program(finished, "publish_run", "--run", "results/small", "--to", "published")
    assert done.returncode == 0, done.stderr
    return finished / "published" / "small"


def program(folder, name, *arguments):
    command = [sys.executable, folder / "scripts" / f"{name}.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900)


def verified(folder, against, depth, work) -> tuple[dict[str, str], str, int]:
    """What `make verify` says: step -> status, all its words, its exit code."""
    arguments = ("--against", against, "--depth", depth, "--work", work)
    done = program(folder, "verify_run", *arguments)
    lines = [line.split() for line in done.stdout.splitlines() if line[:1].isupper()]
    return {line[1]: line[0] for line in lines}, done.stdout + done.stderr, done.returncode


STEPS = {
    "fetch_source", "build_image", "extract_units", "record_behaviour", "select_tasks",
    "index_api", "fetch_model", "run_model", "score_answers", "check_names", "summarise_scores",
}  # fmt: skip


def test_an_honest_archive_is_good_when_scored_again(finished, published, tmp_path):
    before = content(finished)
    found, said, code = verified(finished, f"{published}.tar", "rescore", tmp_path)
    assert code == 0, said
    good = {step for step, status in found.items() if status == "GOOD"}
    assert {"score_answers", "check_names", "summarise_scores", "build_image", "code"} <= good
    assert set(found) == STEPS | {"publication", "code"}
    assert "BAD" not in found.values()
    assert content(finished) == before
    assert list(tmp_path.iterdir()) == []


def test_a_forged_score_is_bad_when_scored_again(finished, published, tmp_path, forgery):
    forged = shutil.copytree(published, tmp_path / "forged")
    path = "score_answers/null/cerberus/verdicts.parquet"
    forgery.forge(forged, path, lambda rows: rows[0].update(status="passed"))
    found, said, code = verified(finished, forged, "rescore", tmp_path)
    assert (code, found["score_answers"], found["check_names"]) == (1, "BAD", "GOOD"), said
    assert "column status: published 'passed', here 'unreadable'" in said


def test_swapped_responses_are_bad_when_scored_again(finished, published, tmp_path, forgery):
    def swap(rows):
        rows[0]["response"], rows[1]["response"] = rows[1]["response"], rows[0]["response"]

    forged = shutil.copytree(published, tmp_path / "forged")
    forgery.forge(forged, "run_model/oracle/responses.parquet", swap)
    found, said, code = verified(finished, forged, "rescore", tmp_path)
    assert (code, found["score_answers"]) == (1, "BAD"), said
    assert "score_answers/oracle/cerberus/verdicts.parquet: verdicts, row model=oracle" in said


def test_a_forged_key_is_bad_when_the_tasks_are_made_again(finished, published, tmp_path, forgery):
    forged = shutil.copytree(published, tmp_path / "forged")
    path = "select_tasks/cerberus/keys.parquet"
    forgery.forge(forged, path, lambda rows: rows[0]["accepted_lines"].append(9999))
    found, said, code = verified(finished, forged, "rebuild", tmp_path)
    assert (code, found["select_tasks"], found["extract_units"]) == (1, "BAD", "GOOD"), said
    assert "column accepted_lines: published " in said
    assert {found[step] for step in ("score_answers", "summarise_scores")} <= {"GOOD", "BAD"}


def test_a_swapped_image_is_bad_and_a_damaged_one_runs_nothing(
    finished, published, tmp_path, forgery, monkeypatch
):
    from assay.images.store import cache_root, fuse_usable

    if not fuse_usable():
        pytest.skip("without /dev/fuse images run from their unpacked folders")
    forged = shutil.copytree(published, tmp_path / "forged")
    name = next(forged.glob("results/build_image/testbed-*.json")).name
    forgery.forge(forged, f"build_image/{name}", lambda c: c.update(sha256="ab" * 32))
    cache = tmp_path / "cache"
    (cache / "images").mkdir(parents=True)
    for path in (cache_root() / "images").glob("*.sqfs"):
        (cache / "images" / path.name).symlink_to(path)
    image = cache / "images" / name.replace(".json", ".sqfs")
    data = bytearray(image.read_bytes())
    image.unlink()  # the link, not the real one
    data[len(data) // 2] ^= 1
    image.write_bytes(data)
    monkeypatch.setenv("ASSAY_CACHE", str(cache))
    _, said, code = verified(finished, forged, "rescore", tmp_path)
    assert code == 2
    assert "the image is damaged" in said
    monkeypatch.undo()
    found, said, code = verified(finished, forged, "rescore", tmp_path)
    assert (code, found["build_image"], found["score_answers"]) == (1, "BAD", "GOOD"), said
    assert f"sha256: published {'ab' * 32}, this checkout's lock has " in said


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
