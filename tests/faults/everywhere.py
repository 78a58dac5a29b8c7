"""Interrupt and harm a small real run in many ways (`make faults`); say what became of it.

After each fault the run must stop with an error that names the file, or end with the bytes of a
quiet run in every file outside telemetry/. Prints a table: fault, where, tries, outcome. Exit 0 if
all was survived, 1 if something was not.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import clocks
import damage
import disks
import kills
import place as places
import two
from outcome import Table

PRIVATE = "ASSAY_FAULTS_PRIVATE"
ON_NEW = {
    "kills": kills.kill_often, "disks": disks.faulty_disks, "caches": two.one_cache,
}  # fmt: skip
ON_FINISHED = {
    "made": damage.as_it_is_made, "rest": damage.at_rest, "images": damage.cache,
    "times": clocks.file_times, "two": two.one_folder,
}  # fmt: skip


def with_own_mounts() -> None:
    """Start again in a mount namespace of our own, which the disks' faults need."""
    own = ["unshare", "--mount"] + ([] if os.getuid() == 0 else ["--user", "--map-root-user"])
    if PRIVATE in os.environ or not shutil.which("unshare"):
        return
    if subprocess.run([*own, "true"], capture_output=True, check=False).returncode:
        return
    os.environ[PRIVATE] = "1"
    sys.stdout.flush()
    os.execvp("unshare", [*own, sys.executable, *sys.argv])


def quiet(base: Path) -> tuple[places.Place, Path, Table]:
    """Make the run that nothing disturbs; keep its state aside."""
    place = places.make(base, "quiet")
    kept = base / "kept"
    if not kept.is_dir():
        places.set_up(place)
        began = time.monotonic()
        ended = place.run()
        if ended.code:
            sys.exit(f"faults: the quiet run failed: {ended.said[-4000:]}")
        (base / "quiet.seconds").write_text(str(time.monotonic() - began))
        place.snapshot(kept.name)
    seconds = float((base / "quiet.seconds").read_text())
    print(f"faults: the quiet run took {seconds:.0f} s", flush=True)
    place.restore(kept)
    return place, kept, Table(place.content(), seconds)


def timed(name: str, work: Callable[[], None]) -> None:
    began = time.monotonic()
    work()
    print(f"faults: {name} took {time.monotonic() - began:.0f} s", flush=True)


def main() -> int:
    command = argparse.ArgumentParser(description=__doc__)
    names = [*ON_NEW, *ON_FINISHED]
    command.add_argument("--only", nargs="*", choices=names, default=names, help="these alone")
    command.add_argument("--base", type=Path, help="a folder that is kept, with its quiet run")
    given = command.parse_args()
    with_own_mounts()
    base = given.base or Path(tempfile.mkdtemp(prefix="assay-faults-"))
    base.mkdir(parents=True, exist_ok=True)
    place, kept, table = quiet(base)
    left: list[str] = []
    for name in given.only:
        if name == "disks" and PRIVATE not in os.environ:
            left.append("disks: nothing can be mounted here, by root or in a user namespace")
        elif name in ON_NEW:
            timed(name, lambda name=name: ON_NEW[name](table, base))
        else:
            timed(name, lambda name=name: ON_FINISHED[name](table, place, kept))
    print(table.text())
    for text in left:
        print(f"faults: left out: {text}")
    for text in table.broken:
        print(f"faults: BROKEN: {text[:600]}")
    tries = sum(row[2] for row in table.rows)
    print(f"faults: {tries} tries, {len(table.broken)} not survived")
    if not table.broken and not given.base:
        shutil.rmtree(base)
    return min(len(table.broken), 1)


if __name__ == "__main__":
    sys.exit(main())
