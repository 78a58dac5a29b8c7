"""Fetches locked packages and wheels into the cache, by digest; what is there is not fetched."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.core.airgap import require_network
from assay.core.errors import UserError
from assay.core.files import sha256_file
from assay.core.progress import say
from assay.images import apt

BATCH = 8
# Wheels run in the image, on Debian 12 (glibc 2.36), whatever the host is.
PLATFORMS = (
    *(f"manylinux_2_{minor}_x86_64" for minor in range(36, 4, -1)),
    "manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64",
)  # fmt: skip
PYTHON = "3.11"  # of Debian 12; a docker image has its own
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download",
       "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes",
       "--implementation=cp", *(f"--platform={name}" for name in PLATFORMS))  # fmt: skip
Entry = dict[str, Any]


def fetch_packages(cache: Path, packages: Sequence[Entry]) -> list[Path]:
    """Return the cached files of locked packages, in their order, fetching what is missing.

    Raises UserError if neither a configured mirror nor a named archive of old packages holds a
    locked version any more.
    """
    folder = cache / "packages"
    files = [folder / f"{entry['sha256']}.deb" for entry in packages]
    missing = {
        file: entry for file, entry in zip(files, packages, strict=True) if not _holds(file, entry)
    }
    if missing:
        names = sorted(f"{entry['name']} {entry['version']}" for entry in missing.values())
        require_network(f"Debian packages {', '.join(names)}")
        say(f"Debian packages: fetching {len(missing)} of {len(files)}")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            _fetch_missing(missing, Path(scratch))
    return files


def _fetch_missing(missing: dict[Path, Entry], scratch: Path) -> None:
    complaint = "no sources"
    for mirror in (*apt.mirrors(), *apt.archives()):
        for batch in _batches(sorted(missing)):
            wanted = [
                (missing[file]["path"], scratch / file.name, missing[file]["sha256"])
                for file in batch
            ]
            complaint = apt.download(mirror, wanted) or complaint
            for file in batch:
                if _holds(scratch / file.name, missing[file]):
                    (scratch / file.name).replace(file)
                    del missing[file]
            say(f"Debian packages: {len(missing)} to go")
        if not missing:
            return
    lost = [f"{entry['name']} {entry['version']}" for entry in missing.values()]
    raise UserError(
        "the mirror does not offer locked Debian packages", given=complaint,
        where=", ".join(sorted(lost)),
        hint="check the network; if a point release has replaced them, name an archive that keeps "
        f"old versions, an address or a folder, in {apt.ARCHIVES} (Debian's snapshot archive has "
        "them all, by date), or run `make relock` (the images change)",
    )  # fmt: skip


def fetch_group(cache: Path, group: Mapping[str, Any]) -> list[Path]:
    """Return the cached files of a lock's group of wheels: for Debian's Python, or for its own."""
    return fetch_wheels(cache, group["files"], group.get("python", PYTHON))


def fetch_wheels(cache: Path, wheels: Sequence[Entry], python: str = PYTHON) -> list[Path]:
    """Return the cached files of locked wheels, in their order, fetching what is missing.

    Raises UserError if the package index does not offer a locked file.
    """
    files = [wheel_file(cache, entry) for entry in wheels]
    missing = [entry for file, entry in zip(files, wheels, strict=True) if not _holds(file, entry)]
    if missing:
        lines = [f"{e['name']}=={e['version']} --hash=sha256:{e['sha256']}" for e in missing]
        download_wheels(cache, lines, python)
    for file, entry in zip(files, wheels, strict=True):
        if not _holds(file, entry):
            raise UserError(
                "the package index gave another wheel than the locked one", where=file.name,
                expected=f"sha256 {entry['sha256']}", hint="run `make relock`",
            )  # fmt: skip
    return files


def download_wheels(cache: Path, lines: Sequence[str], python: str) -> list[Path]:
    """Fetch the wheels of hash-locked lines for a version of Python into the cache; their files."""
    require_network("wheels " + ", ".join(line.split()[0] for line in lines))
    say(f"wheels: fetching {len(lines)}")
    folder = cache / "wheels"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        listing = Path(scratch) / "requirements.txt"
        listing.write_text("\n".join(lines) + "\n", encoding="utf-8")
        into = Path(scratch) / "wheels"
        command = [*PIP, f"--python-version={python}", f"--dest={into}",
                   f"--requirement={listing}"]  # fmt: skip
        done = subprocess.run(command, check=False, text=True, capture_output=True)
        if done.returncode:
            raise UserError(
                "can't fetch locked wheels", given=done.stderr[-1500:],
                hint="check the network and pip's configuration; if the index has dropped a file, "
                "run `make relock`",
            )  # fmt: skip
        return [keep_wheel(cache, file) for file in sorted(into.iterdir())]


def wheel_file(cache: Path, entry: Entry) -> Path:
    """Return where the cache keeps a wheel: its file name is a part of its meaning."""
    return cache / "wheels" / str(entry["sha256"]) / str(entry["file"])


def keep_wheel(cache: Path, file: Path) -> Path:
    """Move a wheel to its place in the cache, by its digest; return the place."""
    kept = wheel_file(cache, {"sha256": sha256_file(file), "file": file.name})
    kept.parent.mkdir(exist_ok=True)
    file.replace(kept)
    return kept


def _holds(file: Path, entry: Entry) -> bool:
    return os.path.lexists(file) and sha256_file(file) == entry["sha256"]


def _batches(files: Sequence[Path]) -> Iterator[Sequence[Path]]:
    for start in range(0, len(files), BATCH):
        yield files[start : start + BATCH]
