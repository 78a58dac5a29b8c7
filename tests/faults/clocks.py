"""Clocks that are a year wrong: the files' times, and the time of day that programs are told."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from outcome import Table
from place import Place

YEAR_S = 365 * 86400
LATER = ("run_model", "score_answers", "check_names", "summarise_scores", "pack_manifest")
PROBE = "import time; print(int(time.time()))"


def file_times(table: Table, place: Place, kept: Path) -> None:
    """Move the times of every file by a year, of a finished run and of a half-finished one."""
    fault = "clock: file times"
    for name, shift in (("a year ahead", YEAR_S), ("a year behind", -YEAR_S)):
        place.restore(kept)
        move(place.folder, shift)
        ended = place.run()
        equal = table.equal(fault, name, place, ended)
        idle = "Nothing to be done" in ended.said
        if not idle:
            table.wrong(fault, name, "steps ran again")
        table.add(fault, f"finished run, {name}", 1, said(equal) + ", no step ran" * idle)
        for rule in LATER:
            shutil.rmtree(place.results / rule)
        equal = table.equal(fault, f"{name}, half", place, place.run())
        table.add(fault, f"half a run, {name}", 1, said(equal))


def said(equal: bool) -> str:
    return "equal bytes" if equal else "other bytes"


def move(folder: Path, shift: int) -> None:
    """Move the times of what a run reads and writes."""
    for top in ("results", ".snakemake", "config", "scripts", "rules", "containers", "envs"):
        for path in sorted((folder / top).rglob("*")):
            stat = path.lstat()
            times = (stat.st_atime + shift, stat.st_mtime + shift)
            os.utime(path, times, follow_symlinks=False)


def told(place: Place, shift: int) -> str:
    """Let all programs of a place be told another time of day; return why not, or nothing.

    A time namespace can't do it (it has no realtime clock), so a small library answers the calls.
    """
    if not shutil.which("cc"):
        return "there is no compiler for the library that answers in the clock's place"
    variables = {"LD_PRELOAD": str(build(place.folder)), "CLOCK_SHIFT": str(shift)}
    inside = {f"APPTAINERENV_{key}": value for key, value in variables.items()}
    place.variables = {**variables, **inside}
    return ""


def build(folder: Path) -> Path:
    """Compile the library; a container sees it, too, since it lies in the work folder."""
    library, source = folder / "clock.so", Path(__file__).with_name("clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, source], check=True)
    return library


def arrived(place: Place, shift: int) -> str:
    """Ask a program on the host and one in a container for the time; return what is wrong."""
    image = next((place.cache / "images").glob("tools-*.sqfs"))
    program = place.cache / "apptainer/current/usr/bin/apptainer"
    contained = ["exec", "--userns", "--containall", "--cleanenv", "--home", place.folder, image]
    found = subprocess.run(["date", "+%s"], capture_output=True, check=True).stdout
    for argv in (["python3", "-c", PROBE], [program, *contained, "python3", "-c", PROBE]):
        done = subprocess.run(argv, cwd=place.folder, env=place.environment(),
                              capture_output=True, text=True)  # fmt: skip
        if done.returncode or abs(int(done.stdout) - int(found) - shift) > 60:
            return f"the shift did not arrive: {done.stdout} {done.stderr}"
    return ""
