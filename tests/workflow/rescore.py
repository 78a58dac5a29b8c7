"""Score the same responses ten times, on 1 and 2 cores, idle and loaded; compare the bytes.

Takes the folder of a finished run (`make rescore-ten`, CONFIG=…), and scores all responses of all
its models by the step score_answers itself, in its container, into a folder that is thrown away.
Rounds differ in cores (one core and one worker, two cores and two), in load (busy processes on the
same cores) and in PYTHONHASHSEED. Each verdicts.parquet must be the run's own, byte for byte.

The same is done with answers of tests/attacks and one near the limit of processor time, which is
flagged each time; then with one *at* the limit, whose verdict may change from round to round: in
every round it has to be flagged or to have run out of time. Exit 0 if all that holds, else 1.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/attacks"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/workflow"))

import contained
import handmade
import hostile
import twice

from assay.core.records import VERDICTS
from assay.core.settings import load, read_yaml
from assay.core.tables import read_table
from assay.images.build import builder_tools
from assay.images.names import name_of, read_lock
from assay.images.pack import unpack_image
from assay.images.store import cache_root, image_file
from assay.workflow.run import Run

REPOSITORY = Path(__file__).resolve().parents[2]
ROUNDS = 10
BUSY = "while True: pass"
NEAR_S, AT_S = 1.3, 1.9  # of hostile.LIMITS.cpu_s, which is 2
STEADY = ("must_pass_right", "must_pass_slow", "must_pass_threads", "01_always_equal",
          "03_segfault", "04_forge_results", "07_late_reports", "09_near_equal", "16_busy_loop",
          "17_memory_bomb", "17_report_bomb", "20_instructions")  # fmt: skip


@dataclass(frozen=True)
class Round:
    """How one round differs from the others."""

    number: int

    @property
    def cores(self) -> list[int]:
        own = sorted(os.sched_getaffinity(0))
        return own[: 1 + self.number % 2]

    @property
    def loaded(self) -> bool:
        return self.number // 2 % 2 == 1

    @property
    def hash_seed(self) -> str:
        return str(1000 * self.number + 7)

    @contextlib.contextmanager
    def load(self) -> Iterator[None]:
        """Keep two busy processes on each of the round's cores, if it is a loaded one."""
        count = 2 * len(self.cores) if self.loaded else 0
        busy = [subprocess.Popen([*self.pinned, sys.executable, "-c", BUSY]) for _ in range(count)]
        try:
            yield
        finally:
            for process in busy:
                process.kill()
                process.wait()

    @property
    def pinned(self) -> list[str]:
        return ["taskset", "-c", ",".join(map(str, self.cores))]


@dataclass(frozen=True)
class Work:
    """One call of the step: what it scores, and the bytes that must come out (None: the first's).

    argv: gives its command line for an output folder and a number of workers
    """

    name: str
    target: str
    argv: Callable[[Path, int], list[str]]
    expected: bytes | None = None


def of_run(run: Run, work: Path, folder: Path) -> Iterator[Work]:
    """Give a call for every model and target of a finished run; its inputs are copied first."""
    for target in run.settings.targets:
        for model in run.settings.models:
            inputs = {
                "source": run.result("fetch_source", target, "source.tar"),
                "tasks": run.result("select_tasks", target, "tasks.parquet"),
                "keys": run.result("select_tasks", target, "keys.parquet"),
                "responses": run.result("run_model", model, "responses.parquet"),
            }
            files = {}
            for name, path in inputs.items():
                files[name] = folder / target / model / Path(path).name
                files[name].parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(work / path, files[name])
            given = run.settings_of("seed", "limits", "sandbox", target=target, model=model)
            image = run.images[f"testbed-{target}"]

            def argv(
                out: Path, workers: int, *, names=(target, model), files=files, given=given,
                image=image,
            ) -> list[str]:  # fmt: skip
                settings = json.dumps({**json.loads(given), "cores": workers})
                line = handmade.step(files, out, image, settings)
                line[line.index("tiny")], line[line.index("m")] = names
                return line

            own = work / run.result("score_answers", model, target, "verdicts.parquet")
            yield Work(f"{model} on {target}", target, argv, own.read_bytes())


def of_attacks(place: hostile.Range, image: str, folder: Path) -> Iterator[Work]:
    """Give two calls over the tiny target: answers that must be steady, and one at the limit."""
    cases = {one.name: one.answer for one in hostile.read_cases(hostile.CASES / "cases")}
    near = handmade.NEAR.replace("{seconds}", str(NEAR_S))
    steady = {**{name: cases[name] for name in STEADY}, "near": near}
    at = {"at": handmade.NEAR.replace("{seconds}", str(AT_S))}
    for name, answers in (("attacks", steady), ("at the limit", at)):
        files = handmade.make(folder / name.replace(" ", "-"), place, answers)

        def argv(out: Path, workers: int, *, files=files) -> list[str]:
            return handmade.step(files, out, image, handmade.settings(cores=workers))

        yield Work(name, "cerberus", argv)


def scored(work: Work, turn: Round, folder: Path) -> tuple[bytes, list[dict], list[str]]:
    """Run the step once; return the bytes and rows of its verdicts, and what came near a limit."""
    out = Path(tempfile.mkdtemp(dir=folder))
    _, place = contained.testbed(work.target, cache_root())
    argv = contained.command(folder, place, work.argv(out, len(turn.cores)))
    done = subprocess.run(
        [*turn.pinned, *argv], cwd=folder, capture_output=True, text=True,
        env=contained.variables(cache_root(), {"PYTHONHASHSEED": turn.hash_seed}),
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"rescore: {work.name}: the step failed:\n{done.stderr[-3000:]}")
    if f"PYTHONHASHSEED={turn.hash_seed} cores={len(turn.cores)}" not in done.stderr:
        sys.exit(f"rescore: {work.name}: the variation did not arrive:\n{done.stderr[-3000:]}")
    path = out / "verdicts.parquet"
    near = json.loads((out / "sandbox.json").read_text())["near_limit"]
    rows = read_table(path, VERDICTS)
    data = path.read_bytes()
    shutil.rmtree(out)
    return data, rows, near


def check(work: Work, found: tuple[bytes, list[dict], list[str]], before: bytes | None) -> str:
    """Return what is wrong with a round's verdicts, or nothing."""
    data, rows, near = found
    if work.name == "at the limit":
        (row,) = rows
        sound = (row["status"] == "passed" and "at" in near) or row["outcome"] == "cpu_timeout"
        return "" if sound else f"neither flagged nor out of time: {row['status']}"
    expected = work.expected if work.expected is not None else before
    if expected is not None and data != expected:
        return "DIFFERENT"
    return "not flagged" if work.name == "attacks" and "near" not in near else ""


def rounds(works: list[Work], folder: Path, count: int) -> int:
    """Score everything so many times; print a row a round; return how much was wrong."""
    wrong, first, at = 0, {}, []
    print("round  cores  load    hash seed  answers  equal  seconds", flush=True)
    for turn in map(Round, range(count)):
        began, answers, equal = time.monotonic(), 0, 0
        with turn.load():
            for work in works:
                found = scored(work, turn, folder)
                problem = check(work, found, first.setdefault(work.name, found[0]))
                if work.name == "at the limit":
                    at.append(found[1][0]["outcome"])
                else:
                    answers += len(found[1])
                    equal += 0 if problem else len(found[1])
                if problem:
                    wrong += 1
                    print(f"rescore: {work.name}: {problem}", flush=True)
        load = "loaded" if turn.loaded else "idle"
        print(f"{turn.number + 1:<7}{len(turn.cores):<7}{load:<8}{turn.hash_seed:<11}{answers:<9}"
              f"{equal:<7}{time.monotonic() - began:.0f}", flush=True)  # fmt: skip
    told = {outcome: at.count(outcome) for outcome in sorted(set(at))}
    print(f"rescore: at the limit of processor time, {count} times: {told}")
    return wrong


def finished(config: Path | None) -> Run:
    """Return the run of a config; exit if it has not been finished."""
    overrides = read_yaml(config) if config else {}
    run = Run(REPOSITORY, REPOSITORY, load(REPOSITORY / "config", overrides))
    if not (REPOSITORY / run.result("pack_manifest", "manifest.json")).is_file():
        sys.exit(f"rescore: {run.root} is no finished run: `make run` with the same CONFIG first")
    return run


def main() -> int:
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--config", type=Path, help="the run's config (default: config.yaml)")
    command.add_argument("--rounds", type=int, default=ROUNDS)
    given = command.parse_args()
    run = finished(given.config)
    folder = Path(tempfile.mkdtemp(prefix="assay-rescore-"))
    try:
        shutil.copytree(REPOSITORY / "scripts", folder / "scripts")
        lock = read_lock(REPOSITORY, "testbed-cerberus")
        (folder / "tools").mkdir()
        tools = builder_tools(twice.shared_cache(), lock, folder / "tools")
        unpack_image(image_file(cache_root(), name_of(lock)), folder / "testbed", tools)
        (folder / "tiny").mkdir()
        place = hostile.tiny_range(folder / "tiny", folder / "testbed")
        works = [*of_run(run, REPOSITORY, folder / "run"),
                 *of_attacks(place, name_of(lock), folder / "attacks")]  # fmt: skip
        wrong = rounds(works, folder, given.rounds)
    finally:
        shutil.rmtree(folder)
    print("rescore: equal" if not wrong else f"rescore: {wrong} differences")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
