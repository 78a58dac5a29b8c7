"""Answers scored a second: Assay in its sandbox, EvalPlus' evaluator, a plain process an answer.

Run as `python benchmarks/scoring.py`. The same functions, inputs and answers for all three
(benchmarks/functions.py: HumanEval-like, of our own making, since EvalPlus' data set is fetched
from the network): each right, wrong and raising. The three take turns, round by round, and must
agree about every answer. EvalPlus and the plain process compare inside the process that runs the
answer; Assay compares outside of it. `parts` says where Assay's time goes.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from common import ROOT, adopt_orphans, cpu_seconds, machine, testbed, write
from functions import INPUTS, SOURCE, answers, expected

sys.path.insert(0, str(ROOT / "scripts"))

from assay.categories import code_generation
from assay.categories.base import PASSED, Options
from assay.core.codec import encode
from assay.core.execution import Job, Limits, Scenario
from assay.core.progress import say
from assay.sandbox.launch import run
from assay.scoring.verdict import judge_answer
from assay.testbed.bench import SandboxBench, open_bench

ROUNDS, TRIALS = 5, 20
TARGET = {"tests": {"paths": ["tests"]}, "scan": ["pkg"], "source_roots": ["."], "preload": []}
TESTS = """from pkg import core

{cases}
"""
PLAIN_S = 10

Answer = tuple[str, str, bool]
Way = Callable[[Answer], bool]


def scenarios(name: str) -> list[Scenario]:
    """Return a scenario for each input of a function."""
    return [
        Scenario(f"s{number}", {
            "entry": f"pkg.core:{name}", "init": None, "observe": [],
            "calls": [["", encode(given), encode({})]],
        })
        for number, given in enumerate(INPUTS[name])
    ]  # fmt: skip


def keys(bench: SandboxBench, *, tests: bool) -> dict[str, dict[str, Any]]:
    """Return the key of each function; with `tests`, a test of it is part of the oracle."""
    found = {}
    for node in ast.parse(SOURCE).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        asked = scenarios(node.name)
        seen = bench.run([Job(scenarios=asked)])[0]
        hidden = [
            {"scenario_id": one.scenario_id, "data": one.data,
             "expected": seen.observations[one.scenario_id]}
            for one in asked
        ]  # fmt: skip
        code = {
            "path": "pkg/core.py", "text": None, "name": node.name, "first": node.lineno,
            "last": node.end_lineno, "def_line": node.lineno, "body_line": node.body[1].lineno,
            "body_only": True, "hidden": hidden, "shown": [],
            "tests": [f"tests/test_core.py::test_{node.name}"] if tests else [],
        }  # fmt: skip
        head = f"def {node.name}({ast.unparse(node.args)}):"
        key = {"code": code, "head": head, "imports": [], "original": None}
        found[node.name] = {
            "unit_id": f"pkg/core.py::{node.name}", "kind": "original", "is_control": False,
            "accepted_lines": [], "key_json": json.dumps(key),
        }  # fmt: skip
    return found


def by_assay(bench: SandboxBench, *, tests: bool) -> Way:
    """Return the way of Assay: a fresh sandbox an answer (three where tests have to be passed)."""
    known = keys(bench, tests=tests)

    def way(answer: Answer) -> bool:
        name, code, _ = answer
        text = f"```python\n{code}\n```"
        return (
            judge_answer(text, code_generation, known[name], bench, Options())[0].status == PASSED
        )

    return way


def by_plain(answer: Answer) -> bool:
    """Run the answer and its comparisons in a process of its own; passed is an exit with 0."""
    name, code, _ = answer
    pairs = list(zip(INPUTS[name], EXPECTED[name], strict=True))
    text = f"{code}\nfor given, right in {pairs!r}:\n    assert {name}(*given) == right"
    done = subprocess.run(
        [sys.executable, "-I", "-c", text], check=False, timeout=PLAIN_S,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode == 0


EXPECTED = expected()


@contextlib.contextmanager
def by_evalplus(scratch: Path) -> Iterator[Way]:
    """Give the way of EvalPlus, installed from its lock, in a process that stays."""
    say("installing EvalPlus")
    lock, folder = ROOT / "envs/bench-evalplus.txt", scratch / "evalplus"
    install = ["pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target", folder]
    subprocess.run([sys.executable, "-m", *install, "-r", lock], check=True)
    worker = subprocess.Popen(
        [sys.executable, ROOT / "benchmarks/evalplus_worker.py"], text=True,
        env={**os.environ, "PYTHONPATH": str(folder)}, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )  # fmt: skip

    def way(answer: Answer) -> bool:
        name, code, _ = answer
        one = {"name": name, "code": code, "inputs": INPUTS[name], "expected": EXPECTED[name]}
        worker.stdin.write(json.dumps(one) + "\n")
        worker.stdin.flush()
        return bool(json.loads(worker.stdout.readline()))

    try:
        yield way
    finally:
        worker.stdin.close()
        worker.wait()


def measure(ways: dict[str, Way], rounds: int) -> dict[str, Any]:
    """Let the ways take turns; return answers a second of wall and of processor time."""
    wall: Counter[str] = Counter()
    cpu: Counter[str] = Counter()
    work = answers()
    for turn in range(rounds):
        say(f"scoring: round {turn + 1} of {rounds}")
        for name, way in ways.items():
            began, used = time.monotonic(), cpu_seconds()
            told = [way(answer) for answer in work]
            wall[name] += time.monotonic() - began
            cpu[name] += cpu_seconds() - used
            wrong = [one[:2] for one, seen in zip(work, told, strict=True) if one[2] != seen]
            if wrong:
                sys.exit(f"error: {name} is wrong about {wrong[0]}")
    count = rounds * len(work)
    return {
        name: {
            "answers": count, "per_second": round(count / wall[name], 2),
            "ms_of_cpu": round(1000 * cpu[name] / count, 1),
            "ms": round(1000 * wall[name] / count, 1),
        }
        for name in ways
    }  # fmt: skip


def parts(bench: SandboxBench) -> dict[str, dict[str, float]]:
    """Return milliseconds of what every sandbox pays for, over so many trials of each."""
    session = bench.session
    bounds, view = Limits(), session.view(0, with_tests=False)
    tested = session.view(0, with_tests=True)

    def harness(seen: Any, *, with_tests: bool) -> Callable[[], Any]:
        first = json.dumps({"preload": session.preload_of(with_tests=with_tests)}) + "\n"
        argv = ["/usr/bin/python3", "-m", "assay.testbed.inside.supervise"]
        return lambda: run(argv, seen, bounds, first.encode())

    trials: dict[str, Callable[[], Any]] = {
        "a sandbox that runs nothing": lambda: run(["/bin/true"], view, bounds),
        "and a Python in it": lambda: run(["/usr/bin/python3", "-c", "pass"], view, bounds),
        "and the harness, without a job": harness(view, with_tests=False),
        "and pytest": harness(tested, with_tests=True),
    }
    found = {}
    for name, trial in trials.items():
        began, used = time.monotonic(), cpu_seconds()
        for _ in range(TRIALS):
            trial()
        found[name] = {
            "ms": round(1000 * (time.monotonic() - began) / TRIALS, 1),
            "ms_of_cpu": round(1000 * (cpu_seconds() - used) / TRIALS, 1),
        }
    return found


def make_tree(tree: Path) -> None:
    """Write the functions and a test of each as a target."""
    cases = [
        f"def test_{name}():\n"
        f"    for given, right in {[*zip(given, EXPECTED[name], strict=True)]!r}:\n"
        f"        assert core.{name}(*given) == right\n"
        for name, given in INPUTS.items()
    ]  # fmt: skip
    texts = {"pkg/__init__.py": "", "pkg/core.py": SOURCE,
             "tests/test_core.py": TESTS.format(cases="\n".join(cases))}  # fmt: skip
    for path, text in texts.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name:
        scratch = Path(name)
        root = testbed(scratch)
        make_tree(scratch / "tree")
        bench = open_bench(scratch / "tree", TARGET, root)
        with by_evalplus(scratch) as evalplus:
            found = measure({
                "assay": by_assay(bench, tests=False), "evalplus": evalplus, "plain": by_plain,
                "assay_with_tests": by_assay(bench, tests=True),
            }, rounds)  # fmt: skip
        spent = parts(bench)
    write("scoring", {
        "ways": found, "parts": spent,
        "assay_to_evalplus": ratio(found, "assay", "evalplus"),
        "assay_to_plain": ratio(found, "assay", "plain"), "machine": machine(),
    })  # fmt: skip


def ratio(found: dict[str, Any], one: str, other: str) -> dict[str, float]:
    """Return how many times as fast the one is, by wall time and by processor time."""
    return {
        "wall": round(found[one]["per_second"] / found[other]["per_second"], 3),
        "cpu": round(found[other]["ms_of_cpu"] / found[one]["ms_of_cpu"], 3),
    }


if __name__ == "__main__":
    main()
