"""Packs a root into a squashfs file, and unpacks it, with the tools from the lock.

The tools are run by their own loader from their own libraries: the host's are of other versions,
or missing.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from assay.core.errors import HarnessError

EPOCH = "1577836800"  # 2020-01-01, the time of every file in an image
OPTIONS = (
    "-reproducible", "-all-time", EPOCH, "-mkfs-time", EPOCH, "-all-root", "-no-xattrs",
    "-noappend", "-no-progress", "-quiet", "-comp", "zstd", "-Xcompression-level", "6",
)  # fmt: skip
LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = f"{LIBRARIES}/ld-linux-x86-64.so.2"


def pack(root: Path, output: Path, tools: Path) -> None:
    """Write the squashfs file of `root`; `tools` is an unpacked root that holds mksquashfs.

    The bytes depend on names, modes, links and contents below `root` alone.
    """
    _run(tools, "mksquashfs", str(root), str(output), *OPTIONS)


def unpack_image(image: Path, folder: Path, tools: Path) -> None:
    """Unpack a squashfs file into `folder`, which must not exist."""
    _run(tools, "unsquashfs", "-no-progress", "-no-xattrs", "-quiet", "-d", str(folder), str(image))


def _run(tools: Path, program: str, *arguments: str) -> None:
    command = [
        str(tools / LOADER), "--library-path", str(tools / LIBRARIES),
        str(tools / "usr/bin" / program), *arguments,
    ]  # fmt: skip
    # An empty environment: SOURCE_DATE_EPOCH and the like must not reach the program.
    done = subprocess.run(
        command, env={}, check=False, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode:
        raise HarnessError(f"{program} failed ({done.returncode}): {done.stdout[-2000:]}")
