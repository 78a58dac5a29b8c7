"""A work folder of its own for the small run: started, stopped, copied, compared.

All folders share one home and one cache, whose files are links to the real cache's; what a fault
damages in it is replaced first, never written into.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/workflow"))

import twice

from assay.core.digests import FOLDER

CONFIG = "tests/faults/small.yaml"
RUN = "faults"
PATIENCE_S = 1800
SEED = 20261126
Process = subprocess.Popen


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code and all its words."""

    code: int
    said: str

    @property
    def errors(self) -> list[str]:
        """Its errors in words, each with its details, as one line."""
        words = r"^(?:(?:internal )?error: .*(?:\n  \w+: .*)*|\w+Error: .*)"  # or Snakemake's own
        found = re.findall(words, self.said, re.MULTILINE)
        return [" ".join(text.split()) for text in found]

    @property
    def complaint(self) -> str:
        return self.errors[0] if self.errors else " ".join(self.said[-300:].split())


@dataclass
class Place:
    """A copy of the working tree in which the small run is made."""

    folder: Path
    home: Path

    @property
    def results(self) -> Path:
        return self.folder / "results" / RUN

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        return {**kept, "PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C.UTF-8",
                "ASSAY_CACHE": str(self.cache)}  # fmt: skip

    def start(self, command: Sequence[str] = ()) -> Process:
        """Start `make run` (or a command) in a session of its own; its words go to a log."""
        argv = command or ["make", "--no-print-directory", "run", f"CONFIG={CONFIG}", "CORES=1"]
        with self.log.open("wb") as log:
            return subprocess.Popen(
                ["nice", "-n", "19", *argv], cwd=self.folder, stdout=log, stderr=log,
                env=self.environment(), start_new_session=True,
            )  # fmt: skip

    @property
    def log(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.log")

    def end(self, process: Process) -> Ended:
        """Wait for a run; one that hangs is killed, which counts as not survived."""
        try:
            code = process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            kill(process)
            code = -signal.SIGKILL
        return Ended(code, self.log.read_text(errors="replace"))

    def run(self) -> Ended:
        return self.end(self.start())

    def start_until(self, *rules: str) -> Process:
        """Start making what some rules make, and what that needs."""
        return self.start([".venv/bin/snakemake", "--cores", "1", "--resources", "gpu=1",
                           "--nocolor", "--configfile", CONFIG, "--until", *rules])  # fmt: skip

    def until(self, *rules: str) -> Ended:
        return self.end(self.start_until(*rules))

    def content(self) -> dict[str, bytes]:
        """Every file outside telemetry/, with its bytes."""
        return {
            path.relative_to(self.results).as_posix(): path.read_bytes()
            for path in sorted(self.results.rglob("*"))
            if path.is_file() and path.relative_to(self.results).parts[0] != "telemetry"
        }

    def recorded(self) -> list[str]:
        """Every file that has a record of its digest, below the results, in a fixed order."""
        records = sorted((self.results / FOLDER).rglob("*.sha256"))
        names = (str(path.relative_to(self.results / FOLDER)) for path in records)
        return [name.removesuffix(".sha256") for name in names]

    def record_of(self, name: str) -> Path:
        return self.results / FOLDER / f"{name}.sha256"

    def under_way(self) -> list[str]:
        """The rules whose programs run in this folder now, in a container or on the host."""
        found = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if (entry / "cwd").readlink() == self.folder:
                        words = (entry / "cmdline").read_bytes().split(b"\0")
                        found |= {Path(word.decode()).stem for word in words
                                  if re.fullmatch(rb"scripts/\w+\.py", word)}  # fmt: skip
                except OSError:
                    continue  # ended meanwhile
        return sorted(found)

    def snapshot(self, name: str) -> Path:
        """Copy the results and Snakemake's memory aside; `restore` puts them back."""
        kept = self.folder.with_name(name)
        copy_state(self.folder, kept)
        return kept

    def restore(self, kept: Path) -> None:
        copy_state(kept, self.folder)


def copy_state(source: Path, target: Path) -> None:
    for name in (f"results/{RUN}", ".snakemake"):
        shutil.rmtree(target / name, ignore_errors=True)
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, symlinks=True)


def kill(process: Process) -> None:
    """Kill a run's whole process group with SIGKILL."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def make(base: Path, name: str) -> Place:
    """Make a place; the home and the cache are made with the first."""
    made = Place(base / name, base / "home")
    if not made.home.is_dir():
        twice.link_cache(made.cache, twice.KEPT)
    twice.copy_tree(made.folder)
    return made


def set_up(place: Place) -> None:
    """Make the environment that `make run` makes first, for a plain `snakemake`."""
    ended = place.end(place.start(["make", "--no-print-directory", "setup"]))
    if ended.code:
        sys.exit(f"faults: `make setup` failed: {ended.said[-3000:]}")


def flip(path: Path, place: int) -> None:
    """Change one bit of one byte, leaving the file's size and times as they were."""
    stat = path.stat()
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1
    handle = os.open(path, os.O_WRONLY)
    os.pwrite(handle, data, 0)
    os.close(handle)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def wait_for(condition, process: Process) -> bool:
    """Wait until something holds; tell whether it did before the process ended."""
    while not condition():
        if process.poll() is not None:
            return condition()
        time.sleep(0.02)
    return True
