"""The view that a model's process gets: tasks, weights, code and its own outputs; no network.

A container shows the whole work folder, keys and sources included. So the driver and the engine
run in a bubblewrap sandbox of their own, built from nothing: the image's system folders, this
library and the weights read-only, the tasks tables read-only, two output folders, an empty /tmp.
There is no home, no work folder, no /proc and /sys of the host, and a network namespace with
nothing but loopback. Only a model that uses a card sees the cards' devices, the driver's libraries
that Apptainer brings (`--nv`), and a /proc that holds its own processes: the driver asks there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import assay
from assay.core.progress import say
from assay.sandbox.view import find_bwrap

LINKS = ("bin", "lib", "lib32", "lib64", "libx32")
DEVICES = ("null", "zero", "full", "random", "urandom")
DRIVER = Path("/.singularity.d/libs")  # where Apptainer puts the driver's libraries
SETTINGS = ("acpi", "bus", "fs", "irq", "sys", "sysrq-trigger")  # of the machine, in /proc
CODE = "/code"
# Taken over where set, so that `make twice` can vary them; all else is dropped.
PASSED_ON = ("TZ", "LC_ALL", "PYTHONHASHSEED", "POLARS_MAX_THREADS")


@dataclass(frozen=True)
class View:
    """What is shown: (path outside, path inside), read-only or writable; whether the cards are."""

    shown: tuple[tuple[Path, str], ...]
    writable: tuple[tuple[Path, str], ...]
    cards: bool = False


def run_in_view(program: Sequence[str], view: View, order: str) -> int:
    """Run Python with `program` in the view, hand it `order`, relay what it says; exit status."""
    command = [str(find_bwrap()), *view_arguments(view), "--", sys.executable, *program]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, encoding="utf-8", errors="replace",
    ) as child:  # fmt: skip
        if child.stdin and child.stderr:
            _hand_over(child, order)
            for line in child.stderr:
                say(line.rstrip("\n"))
        return child.wait()


def view_arguments(view: View) -> list[str]:
    """Return bubblewrap's arguments up to the program."""
    out = [
        "--unshare-all", "--die-with-parent", "--new-session", "--clearenv",
        "--disable-userns", "--unshare-user", "--hostname", "assay", "--cap-drop", "ALL",
    ]  # fmt: skip
    for name, value in sorted(_environment().items()):
        out += ["--setenv", name, value]
    # Before the system's folders, which may lie below it where the tests run.
    out += ["--tmpfs", "/tmp"]  # noqa: S108  (the view's own, not the host's)
    for path in _system():
        out += ["--ro-bind", path, path]
    for name in LINKS:
        link = Path("/", name)
        if link.is_symlink():
            out += ["--symlink", str(link.readlink()), str(link)]
        elif link.is_dir():
            out += ["--ro-bind", str(link), str(link)]
    # `--dev /dev` does not nest in Apptainer, and would show more than is needed.
    out += ["--tmpfs", "/dev"]
    for name in DEVICES:
        if Path("/dev", name).exists():
            out += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    out += ["--tmpfs", "/dev/shm"]  # noqa: S108
    out += _cards() if view.cards else []
    out += ["--ro-bind", str(Path(assay.__file__).parent), f"{CODE}/assay"]
    for option, pairs in (("--ro-bind", view.shown), ("--bind", view.writable)):
        for outside, inside in pairs:
            out += [option, str(outside.absolute()), inside]
    return [*out, "--chdir", "/tmp", "--remount-ro", "/"]  # noqa: S108


def _cards() -> list[str]:
    """Return the arguments that show the cards: devices, the driver's libraries, a /proc.

    The /proc is writable: CUDA names its threads there, and does not start where it can't (error
    304, seen with driver 580). What is the machine's own is not, of which bubblewrap leaves some.
    """
    out = ["--proc", "/proc"]
    for name in SETTINGS:
        out += ["--ro-bind-try", f"/proc/{name}", f"/proc/{name}"]
    for device in sorted(Path("/dev").glob("nvidia*")):  # nvidia-caps is a folder
        out += ["--dev-bind", str(device), str(device)]
    if DRIVER.is_dir():
        out += ["--ro-bind", str(DRIVER), str(DRIVER), "--setenv", "LD_LIBRARY_PATH", str(DRIVER)]
    return out


def _environment() -> Mapping[str, str]:
    fixed = {
        "PATH": "/usr/bin:/bin", "HOME": "/tmp", "PYTHONPATH": CODE, "LC_ALL": "C.UTF-8",  # noqa: S108
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1", "TZ": "UTC",
    }  # fmt: skip
    return {**fixed, **{name: os.environ[name] for name in PASSED_ON if name in os.environ}}


def _system() -> list[str]:
    """Return /usr, and the interpreter's own folders where they lie elsewhere (tests on a host)."""
    found = ["/usr"]
    for prefix in (sys.prefix, sys.base_prefix):
        if not Path(prefix).is_relative_to("/usr") and prefix not in found:
            found.append(prefix)
    return found


def _hand_over(child: subprocess.Popen[str], order: str) -> None:
    if child.stdin is None:
        return
    try:
        child.stdin.write(order)
        child.stdin.close()
    except BrokenPipeError:
        # The view did not come up; its own words on standard error say why.
        return
