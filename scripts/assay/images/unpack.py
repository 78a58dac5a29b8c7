"""Unpacks Debian packages in locked order, without their maintainer scripts."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from assay.core.errors import HarnessError, UserError

TAR = ("tar", "--extract", "--preserve-permissions", "--no-same-owner", "--keep-directory-symlink")
CLEAN = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def unpack_packages(files: Iterable[Path], root: Path) -> None:
    """Unpack each package's files over `root`, which `root.lay_out` has prepared.

    Raises UserError without dpkg-deb, HarnessError if a package can't be unpacked.
    """
    for file in files:
        _unpack(file, root)


def _unpack(file: Path, root: Path) -> None:
    reader_command = ["dpkg-deb", "--fsys-tarfile", str(file)]
    try:
        reader = subprocess.Popen(reader_command, stdout=subprocess.PIPE, env=CLEAN)
    except FileNotFoundError as error:
        raise UserError(
            "images can't be built here: dpkg-deb is missing",
            hint="build on a Debian machine, or copy the folder `images` of its cache here",
        ) from error
    with reader:
        writer = subprocess.run(
            [*TAR, f"--directory={root}"], stdin=reader.stdout, env=CLEAN, check=False
        )
    if reader.returncode or writer.returncode:
        raise HarnessError(f"can't unpack {file} (dpkg-deb {reader.returncode}, tar {writer})")
