"""Build the smoke run in two folders that differ in all that must not matter; compare the bytes.

They differ in path, user, umask, TZ, locale, PYTHONHASHSEED, cores and shards (one, and eight).
Each has results, journals and a home of its own; only downloads, images and weights come from the
shared cache.
With --killed, the second run is killed with SIGKILL in run_model and then started again.
Exit 0 if every file outside telemetry/ is equal, else 1.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
# Apptainer itself is set up by each run: its programs hold the path that they lie under.
KEPT = ("archives", "packages", "wheels", "images", "weights", "apt", "apptainer/packages")
MODEL = "smollm2-135m"


@dataclass
class Variation:
    """One of the two runs, and what is particular about it."""

    name: str
    folder: Path
    user: str
    umask: int
    cores: int
    shards: int
    variables: dict[str, str]
    seen: str = field(default="")

    @property
    def results(self) -> Path:
        return self.folder / "results" / "smoke"

    def environment(self) -> dict[str, str]:
        home = self.folder.parent / f"home-{self.name}"
        contained = {f"APPTAINERENV_{name}": value for name, value in self.variables.items()}
        path = os.environ["PATH"] if self.user == current_user() else "/usr/local/bin:/usr/bin:/bin"
        kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        return {
            **kept, "PATH": path, "HOME": str(home), "ASSAY_CACHE": str(home / "cache"),
            **self.variables, **contained,
        }  # fmt: skip

    def start(self) -> subprocess.Popen[bytes]:
        """Start `make smoke` as this variation's user, on its cores, in a session of its own."""
        cores = ",".join(str(core) for core in sorted(os.sched_getaffinity(0))[: self.cores])
        command = ["taskset", "-c", cores, "make", "--no-print-directory", "smoke"]
        log = (self.folder.parent / f"{self.name}.log").open("ab")
        other = self.user != current_user()
        return subprocess.Popen(
            [*command, f"CORES={self.cores}"],
            cwd=self.folder, env=self.environment(), stdout=log, stderr=log, umask=self.umask,
            user=self.user if other else None,
            group=pwd.getpwnam(self.user).pw_gid if other else None,
            extra_groups=[] if other else None, start_new_session=True,
        )  # fmt: skip

    def run(self) -> None:
        began = time.monotonic()
        code = self.start().wait()
        if code:
            print((self.folder.parent / f"{self.name}.log").read_text()[-8000:])
            sys.exit(f"twice: run {self.name} failed with exit code {code}")
        print(f"twice: run {self.name} took {time.monotonic() - began:.0f} s", flush=True)

    def kill_in_run_model(self) -> None:
        """Kill the workflow's process group once the model has answered, and check that it died."""
        process = self.start()
        journal = self.results / "run_model" / MODEL
        while not [
            path for path in journal.glob(".*journal*") if path.read_text().count("\n") >= 3
        ]:
            if process.poll() is not None:
                sys.exit(f"twice: run {self.name} ended before it could be killed")
            time.sleep(0.2)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        print(f"twice: run {self.name} killed in run_model, and started again at once", flush=True)


def current_user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def variations(base: Path) -> list[Variation]:
    other = "nobody" if os.getuid() == 0 else current_user()
    usual = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "1"}
    unusual = {"TZ": "Asia/Kathmandu", "LC_ALL": "POSIX", "PYTHONHASHSEED": "4242"}
    deep = base / "elsewhere" / "deeper" / "b"
    return [
        Variation("a", base / "a" / "a", current_user(), 0o022, 1, 1, usual),
        Variation("b", deep, other, 0o077, max(2, os.cpu_count() or 2), 8, unusual),
    ]


def prepare(variation: Variation) -> None:
    """Copy the working tree and link the cache, owned by the variation's user."""
    copy_tree(variation.folder)
    smoke = variation.folder / "config" / "smoke.yaml"
    smoke.write_text(
        smoke.read_text() + f"execution: {{shards: {variation.shards}, response_cache: false}}\n"
    )
    link_cache(Path(variation.environment()["ASSAY_CACHE"]), KEPT)
    if variation.user != current_user():
        own(variation.folder.parents[1], variation.user)


def copy_tree(folder: Path) -> None:
    """Copy the working tree, without anything that git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"],
        cwd=REPOSITORY, check=True, capture_output=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, listed):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REPOSITORY / name, folder / name)


def link_cache(cache: Path, kinds: Iterable[str]) -> None:
    """Make a cache that holds these kinds of the shared one's files."""
    for kind in kinds:
        if (shared_cache() / kind).is_dir():
            shutil.copytree(shared_cache() / kind, cache / kind, copy_function=link, symlinks=True)


def shared_cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("ASSAY_CACHE") or Path(home) / "assay")


def link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def own(top: Path, user: str) -> None:
    """Give folders to the user; linked files stay whose they are, and readable."""
    entry = pwd.getpwnam(user)
    for folder, _, files in os.walk(top):
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink() and path.stat().st_nlink == 1:
                os.chown(path, entry.pw_uid, entry.pw_gid)


def compared(variation: Variation) -> set[str]:
    """Every file of the results that must not vary."""
    root = variation.results
    names = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return {name.as_posix() for name in names if name.parts[0] != "telemetry"}


def arrived(variation: Variation) -> str:
    """Return what contained steps saw of the variation; exit if it did not reach them."""
    pattern = re.compile(r"^environment: (.*)$", re.MULTILINE)
    seen = set()
    for rule in ("extract_units", "record_behaviour", "synthesise_tasks", "score_answers"):
        for log in sorted((variation.results / "telemetry" / "logs" / rule).rglob("*.log")):
            seen |= set(pattern.findall(log.read_text()))
    for name, value in {**variation.variables, "cores": str(variation.cores)}.items():
        if not seen or not all(f"{name}={value}" in line.split() for line in seen):
            sys.exit(
                f"twice: {name}={value} did not arrive in run {variation.name}: {sorted(seen)}"
            )
    return " | ".join(sorted(seen))


def compare(first: Variation, second: Variation) -> int:
    """Print every difference; return how many there are."""
    ours, theirs = compared(first), compared(second)
    for name in sorted(ours ^ theirs):
        print(f"twice: only in run {'a' if name in ours else 'b'}: {name}")
    same, different, failed = filecmp.cmpfiles(
        first.results, second.results, sorted(ours & theirs), shallow=False
    )
    for name in different + failed:
        print(f"twice: DIFFERENT: {name}")
    size = sum((first.results / name).stat().st_size for name in same)
    print(f"twice: {len(same)} files with {size} bytes are equal")
    return len(ours ^ theirs) + len(different) + len(failed) + (not same)


def main(killed: bool, keep: bool) -> int:
    base = Path(tempfile.mkdtemp(prefix="assay-twice-"))
    base.chmod(0o755)
    first, second = variations(base)
    for variation in (first, second):
        prepare(variation)
        if killed and variation is second:
            variation.kill_in_run_model()
        variation.run()
        print(f"twice: run {variation.name} saw {arrived(variation)}", flush=True)
    count = compare(first, second)
    if count == 0 and not keep:
        shutil.rmtree(base)
    else:
        print(f"twice: both runs are kept in {base}")
    print("twice: equal" if count == 0 else f"twice: {count} differences")
    return min(count, 1)


if __name__ == "__main__":
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--killed", action="store_true")
    command.add_argument("--keep", action="store_true", help="keep both folders")
    given = command.parse_args()
    sys.exit(main(given.killed, given.keep))
