"""A root that is a docker image's: all that is in it stays, and what we need comes beside it.

Our wheels go into a virtual environment of their own, made for the image's Python, so that neither
the image's packages nor ours are replaced or mixed: steps run by ours, the engine by the image's.
The image's accounts and environment variables give way to those of every image.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile

from assay.core.errors import HarnessError, UserError
from assay.images.bytecode import LIBRARIES, LOADER, SOME_DO_NOT_PARSE
from assay.images.root import FILES, FOLDERS, even_out_modes

APART = "usr/lib/assay"  # the virtual environment; engines know it by assay.core.interpreters
STARTER = "usr/local/sbin/python3"  # the first folder of PATH in a container
LOCALTIME = ("etc/localtime", "/usr/share/zoneinfo/Etc/UTC")
PREFIXES = ("usr", "usr/local")  # where an image's Python can be


def install_apart(files: Iterable[Path], python: str, root: Path) -> None:
    """Make the virtual environment for the image's Python, such as "3.12", and install wheels.

    Raises UserError if the image has no such Python, or a link where our files belong.
    """
    base = _prefix(root, python)
    for name in (f"{APART}/bin", str(Path(STARTER).parent)):
        _folder(root, name)
    home = root / APART
    (home / "pyvenv.cfg").write_text(
        f"home = /{base}/bin\ninclude-system-site-packages = false\nversion = {python}\n",
        encoding="utf-8",
    )
    (home / "bin/python3").symlink_to(f"/{base}/bin/python{python}")
    # A link would not do: Python looks for pyvenv.cfg beside the name that it was called by.
    _write(root, STARTER, f'#!/bin/sh\nexec /{APART}/bin/python3 "$@"\n', mode=0o755)
    packages = f"/{APART}/lib/python{python}/site-packages"
    scheme = {
        "purelib": packages, "platlib": packages, "scripts": f"/{APART}/bin",
        "headers": f"/{APART}/include", "data": f"/{APART}",
    }  # fmt: skip
    for file in files:
        destination = SchemeDictionaryDestination(
            scheme, interpreter=f"/{APART}/bin/python3", script_kind="posix",
            bytecode_optimization_levels=(), destdir=str(root),
        )  # fmt: skip
        with WheelFile.open(file) as source:
            install(source, destination, additional_metadata={"INSTALLER": b"assay\n"})


def finish(root: Path, image: str, lock: Mapping[str, Any]) -> None:
    """Add mount points, accounts, links, environment and marker; compile; even out modes.

    As `root.finish` does it for Debian packages, but nothing is dropped, and the image's own list
    of libraries stays. Raises UserError if a link leads away from where something belongs.
    """
    for name in (name for name in FOLDERS if "python" not in name):
        _folder(root, name)
    for name, text in FILES.items():
        _write(root, name, text)
    _write(root, "etc/assay-image.json", json.dumps({"image": image}, sort_keys=True) + "\n")
    exports = [f"export {name}='{value}'" for name, value in sorted(lock["environment"].items())]
    script = "\n".join(["#!/bin/sh", *exports, ""])
    _write(root, ".singularity.d/env/99-base.sh", script, mode=0o755)
    for name, target in sorted([LOCALTIME, *lock["links"].items()]):
        _folder(root, str(Path(name).parent))
        (root / name).unlink(missing_ok=True)
        (root / name).symlink_to(target)
    compile_files(root, lock["docker"]["python"])
    even_out_modes(root)


def compile_files(root: Path, python: str) -> None:
    """Compile the image's packages and ours by the image's Python, as bytecode.py does.

    What the image had compiled goes: it is valid for the files' own times, which do not stay.
    """
    for path in sorted(root.rglob("__pycache__")):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
    base = _prefix(root, python)
    names = [f"{APART}/lib", *(f"{prefix}/lib/python{python}" for prefix in PREFIXES),
             "usr/lib/python3"]  # fmt: skip
    command = [
        str(root / LOADER), "--library-path", f"{root / LIBRARIES}:{root / base / 'lib'}",
        str(root / base / f"bin/python{python}"), "-S", "-s", "-m", "compileall", "-q", "-j", "1",
        "-s", str(root), "-p", "/", "--invalidation-mode", "unchecked-hash",
        *(str(root / name) for name in names if (root / name).is_dir()),
    ]  # fmt: skip
    environment = {
        "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0",
        "PYTHONHOME": str(root / base),
    }  # fmt: skip
    done = subprocess.run(
        command, env=environment, check=False, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode not in {0, SOME_DO_NOT_PARSE}:
        raise HarnessError(f"compileall failed ({done.returncode}): {done.stdout[-2000:]}")


def _prefix(root: Path, python: str) -> str:
    """Return where the image's Python is: `usr` or `usr/local`."""
    for prefix in PREFIXES:
        program = root / prefix / f"bin/python{python}"
        if program.is_file() and not program.is_symlink() and (root / LOADER).is_file():
            return prefix
    raise UserError(
        "the docker image has not the Python that the recipe names", given=f"python: {python}",
        expected=f"/usr/bin/python{python} or /usr/local/bin/python{python}, and /{LOADER}",
        hint="mend `docker.python`; of an image without Python take single paths (`docker.take`)",
    )  # fmt: skip


def _folder(root: Path, name: str) -> None:
    """Make a folder below `root`; raise UserError if a link on the way leads somewhere else."""
    path = root
    for part in Path(name).parts:
        path /= part
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise UserError(
                "the docker image has a link or file where a folder is needed",
                where=path.relative_to(root), hint="take single paths of it by `docker.take`",
            )  # fmt: skip
        path.mkdir(exist_ok=True)


def _write(root: Path, name: str, text: str, mode: int = 0o644) -> None:
    """Write a file below `root`, in the place of a link or file of that name."""
    _folder(root, str(Path(name).parent))
    (root / name).unlink(missing_ok=True)
    (root / name).write_text(text, encoding="utf-8")
    (root / name).chmod(mode)
