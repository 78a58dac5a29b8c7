"""Mutants judged a second by Assay's warm bench beside mutmut, on cerberus/schema.py.

Run as `python benchmarks/validation.py --run results/pilot`: takes the source, the units and the
recorded behaviour of that run. Both judge with the tests that cover the unit (Assay with those that
reach the changed statement), stop at the first that fails and use two processes; Assay goes first
and last, so that a machine that changes its pace shows. Each judges mutants of its own making; the
share of survivors, which cost most, stands beside. `ratio` compares mutmut's own figure, which
leaves its set-up out (it runs every test once to see which functions it calls), with Assay's
without its own (it runs every test alone to see which lines it executes). On a machine that others
use too, `ratio_by_cpu_with_set_up` is the steadier one: mutants a second of processor time.
With `--check` Assay judges once more by all tests that cover the unit: as many must be killed.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import venv
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from common import ROOT, adopt_orphans, cpu_seconds, machine, testbed, write

sys.path.insert(0, str(ROOT / "scripts"))

from assay.core.execution import Job
from assay.core.progress import say
from assay.core.settings import read_yaml
from assay.core.splice import replace_lines
from assay.sources.tree import unpack
from assay.synthesis.mutants import all_mutants
from assay.testbed.bench import SandboxBench, open_bench
from assay.testbed.reach import Reach, learn
from assay.testbed.warm_judging import judge

FILE, WORKERS, SEED = "cerberus/schema.py", 2, 1
RATE = re.compile(r"([0-9.]+) mutations/second")
SETTINGS = f"""[tool.mutmut]
source_paths = ["cerberus"]
only_mutate = ["{FILE}"]
pytest_add_cli_args_test_selection = ["cerberus/tests"]
"""
STATES = {0: "survived", 1: "killed", 3: "killed", 33: "no_tests"}  # exit codes in mutmut's record


def jobs_of(run: Path, bench: SandboxBench) -> list[Job]:
    """Return a job for each mutant of each unit of the file that a steady test covers."""
    units = pq.read_table(run / "extract_units/cerberus/units.parquet").to_pylist()
    seen = pq.read_table(run / "record_behaviour/cerberus/behaviour.parquet").to_pylist()
    steady = [row for row in seen if row["steady"] and row["outcome"] == "passed"]
    text, jobs = bench.read(FILE), []
    for unit in units:
        tests = [row["test_id"] for row in steady if unit["unit_id"] in row["units"]]
        if unit["path"] == FILE and unit["kind"] in ("function", "method") and tests:
            jobs += [
                Job({FILE: replace_lines(text, unit["start_line"], unit["end_line"], made.source)},
                    tests=tests)
                for made in all_mutants(unit, SEED)
            ]  # fmt: skip
    return jobs


def by_assay(run: Path, tree: Path, root: Path, *, by_line: bool = True) -> dict[str, Any]:
    """Judge all mutants with servers that are as new as mutmut's processes."""
    target = {**read_yaml(ROOT / "config/targets/cerberus.yaml"), "name": "cerberus"}
    began, used = time.monotonic(), cpu_seconds()
    bench = open_bench(tree, target, root)
    bench.keeps, bench.workers = True, WORKERS  # as task synthesis does
    jobs = jobs_of(run, bench)
    reach = learn(bench, sorted({test for job in jobs for test in job.tests}), [FILE])
    ready = time.monotonic()
    found = judge(bench, jobs, reach if by_line else Reach({}), WORKERS)
    ended = time.monotonic()
    return {
        "mutants": len(jobs), "killed": sum(one.killed for one in found),
        "outcomes": dict(Counter(one.outcome for one in found)),
        "tests_run": sum(one.ran for one in found), "seconds": round(ended - ready, 1),
        "seconds_with_set_up": round(ended - began, 1),
        "cpu_seconds_with_set_up": round(cpu_seconds() - used, 1),
        "per_second": round(len(jobs) / (ended - ready), 2),
    }  # fmt: skip


def by_mutmut(tree: Path, scratch: Path) -> dict[str, Any]:
    """Run the locked mutmut over a tree of its own."""
    say("installing mutmut")
    venv.create(scratch / "mutmut", with_pip=True)
    python = scratch / "mutmut/bin/python"
    lock = str(ROOT / "envs/bench.txt")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    install = [python, "-m", "pip", "install", "--no-deps", "--require-hashes", "-r", lock]
    subprocess.run(install, check=True, **quiet)  # type: ignore[call-overload]
    (tree / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    say("mutmut: this takes some minutes")
    began, used = time.monotonic(), cpu_seconds()
    done = subprocess.run(
        [scratch / "mutmut/bin/mutmut", "run", "--max-children", str(WORKERS)], cwd=tree,
        check=False, capture_output=True, text=True, errors="replace",
    )  # fmt: skip
    seconds, used = time.monotonic() - began, cpu_seconds() - used
    rate = RATE.search(done.stdout)
    if done.returncode or not rate:
        sys.exit(
            f"error: mutmut failed ({done.returncode}):\n{(done.stdout + done.stderr)[-2000:]}"
        )
    record = json.loads((tree / "mutants" / f"{FILE}.meta").read_text(encoding="utf-8"))
    states = Counter(
        STATES.get(code, f"exit {code}") for code in record["exit_code_by_key"].values()
    )
    return {
        "states": dict(states), "mutants": states.total() - states["no_tests"],
        "killed": states["killed"], "seconds_with_set_up": round(seconds, 1),
        "cpu_seconds_with_set_up": round(used, 1),
        "per_second": float(rate[1]),
    }  # fmt: skip


def per_cpu(figures: dict[str, Any]) -> float:
    """Return mutants judged a second of processor time, set-up included."""
    return float(figures["mutants"] / figures["cpu_seconds_with_set_up"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="results of a run up to behaviour")
    parser.add_argument("--check", action="store_true", help="judge by all covering tests as well")
    given = parser.parse_args()
    run = given.run
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name:
        scratch = Path(name)
        root = testbed(scratch)
        trees = [scratch / "tree", scratch / "tree-of-mutmut"]
        for tree in trees:
            tree.mkdir()
            unpack(run / "fetch_source/cerberus/source.tar", tree)
        first = by_assay(run, trees[0], root)
        mutmut = by_mutmut(trees[1], scratch)
        last = by_assay(run, trees[0], root)
        whole = by_assay(run, trees[0], root, by_line=False) if given.check else None
    if whole and whole["killed"] != first["killed"]:
        sys.exit(f"error: {first['killed']} killed, {whole['killed']} by all tests of the unit")
    both = {name: first[name] + last[name] for name in first if name != "outcomes"}
    write("validation", {
        "file": FILE, "workers": WORKERS, "assay": [first, last], "mutmut": mutmut,
        "by_all_tests_of_the_unit": whole,
        "ratio": round(both["mutants"] / both["seconds"] / mutmut["per_second"], 2),
        "ratio_by_cpu_with_set_up": round(per_cpu(both) / per_cpu(mutmut), 2),
        "machine": machine(),
    })  # fmt: skip


if __name__ == "__main__":
    main()
