"""Finds Apptainer, or sets up a private one from Debian unstable without root.

Debian 12 does not package Apptainer, so the private one runs beside its own C library: every
program of the prefix is given the prefix's loader and library folder by patchelf.
Run as a program it prints the folder that is to stand first in PATH.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from assay.core.airgap import require_network
from assay.core.errors import HarnessError, UserError
from assay.core.locks import exclusive
from assay.core.progress import say
from assay.images import apt
from assay.images.store import cache_root

SUITE = "sid"
LEAST = (1, 4)
# What runs beside apptainer, and what all of it is linked against. Nothing depends on squashfuse
# and squashfs-tools formally, and without them no image file can be mounted.
ALONE = ("apptainer",)
WITH_LIBRARIES = ("squashfuse", "squashfs-tools", "libc6", "libseccomp2", "libsqlite3-0")
LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = "ld-linux-x86-64.so.2"
PATCHED = ("usr/bin/apptainer", "usr/bin/mksquashfs", "usr/bin/squashfuse", "usr/bin/squashfuse_ll",
           "usr/bin/unsquashfs", f"{LIBRARIES}/apptainer/bin/starter")  # fmt: skip
SESSION = "var/lib/apptainer/mnt/session"  # mounted over by each container; must exist


def locate(cache: Path) -> Path | None:
    """Return the folder of a usable `apptainer`: of PATH, else the private one, else None."""
    system = shutil.which("apptainer")
    if system and version_of(Path(system)) >= LEAST:
        return Path(system).parent
    private = cache / "apptainer/current/usr/bin"
    return private if (private / "apptainer").exists() else None


def version_of(program: Path) -> tuple[int, ...]:
    """Return the version that an apptainer program tells, (0,) if it does not run."""
    try:
        done = subprocess.run([program, "--version"], check=False, text=True, capture_output=True)
    except OSError:
        return (0,)
    found = re.search(r"version (\d+)\.(\d+)\.(\d+)", done.stdout)
    return tuple(int(part) for part in found.groups()) if found and not done.returncode else (0,)


def set_up(cache: Path) -> Path:
    """Return `locate`'s folder, after making the private Apptainer if there is none.

    Raises UserError without apt or network, HarnessError if what was made does not run.
    """
    with exclusive(cache / "locks/apptainer.lock", "Apptainer"):
        found = locate(cache)
        if found:
            return found
        say("Apptainer: none here, setting up a private one")
        folder = cache / "apptainer"
        folder.mkdir(parents=True, exist_ok=True)
        files = packages(cache)
        # Made under its final name, since the programs hold the path of their loader.
        prefix = Path(tempfile.mkdtemp(dir=folder, prefix="prefix-"))
        prefix.chmod(0o755)
        with contextlib.ExitStack() as undo:
            undo.callback(shutil.rmtree, prefix)
            make_prefix(files, prefix)
            undo.pop_all()
        _point(folder / "current", prefix.name)
    ready = locate(cache)
    if ready is None:
        raise HarnessError(f"the private Apptainer does not run: {folder}")
    return ready


def make_prefix(files: list[Path], prefix: Path) -> None:
    """Unpack the packages into the prefix and bind every program to its own libraries."""
    for file in files:
        command = ["dpkg-deb", "--extract", str(file), str(prefix)]
        subprocess.run(command, check=True)
    for name in ("etc", "var"):
        (prefix / name).rename(prefix / "usr" / name)
        (prefix / "usr/lib" / name).symlink_to(f"../{name}")
    (prefix / "usr" / SESSION).mkdir(parents=True, exist_ok=True)
    patchelf = shutil.which("patchelf", path=str(Path(sys.executable).parent)) or "patchelf"
    libraries = prefix / LIBRARIES
    for name in PATCHED:
        if (prefix / name).exists():
            subprocess.run(
                [patchelf, "--force-rpath", "--set-rpath", str(libraries),
                 "--set-interpreter", str(libraries / LOADER), str(prefix / name)],
                check=True,
            )  # fmt: skip
    if version_of(prefix / "usr/bin/apptainer") < LEAST:
        raise HarnessError(f"the private Apptainer does not run: {prefix}")


def packages(cache: Path) -> list[Path]:
    """Return the packages' files: those kept from before, else fetched and checked by apt.

    Raises UserError without apt or network.
    """
    kept = cache / "apptainer/packages"
    if not kept.is_dir():
        require_network("Apptainer's packages")
        kept.parent.mkdir(parents=True, exist_ok=True)
        archive = apt.open_suite(cache / "apt" / SUITE, SUITE)
        libraries = archive.closure(WITH_LIBRARIES)
        wanted = [f"{package.name}={package.version}" for package in libraries]
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".packages-") as scratch:
            into = Path(scratch) / "packages"
            into.mkdir()
            say(f"Apptainer: fetching {len(wanted) + len(ALONE)} packages of Debian {SUITE}")
            archive.download([*ALONE, *wanted], into)
            into.rename(kept)
    return sorted(kept.glob("*.deb"))


def _point(link: Path, target: str) -> None:
    temporary = link.with_name(f".{link.name}-{os.getpid()}")
    temporary.symlink_to(target)
    temporary.replace(link)


def main() -> None:
    """Set Apptainer up and print its folder."""
    try:
        print(set_up(cache_root()))
    except UserError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
