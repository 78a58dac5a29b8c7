"""The root file system around the packages: what maintainer scripts would have made.

No maintainer script is run: they need root and a chroot, and their results differ.
"""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

from assay.images.bytecode import LIBRARIES, compile_files
from assay.images.ldcache import write_cache

MERGED = ("bin", "lib", "lib64", "sbin")
# Mount points, so that Apptainer needs neither overlay nor underlay for its own binds.
FOLDERS = (
    "dev", "etc", "home", "mnt", "opt", "proc", "root", "run", "srv", "sys", "tmp", "usr", "var",
    "var/tmp", "usr/local/bin", "usr/local/lib/python3.11/dist-packages",
)  # fmt: skip
FILES = {
    "etc/group": "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n",
    "etc/hostname": "assay\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "etc/resolv.conf": "",
}
LINKS = {"etc/localtime": "/usr/share/zoneinfo/Etc/UTC", "usr/bin/sh": "dash"}
PRUNED = ("usr/share/info", "usr/share/lintian", "usr/share/locale", "usr/share/man",
          "var/cache", "var/lib", "var/log")  # fmt: skip
STICKY = ("tmp", "var/tmp")


def lay_out(root: Path) -> None:
    """Make the folders and the merged-/usr links that packages are unpacked over."""
    for name in FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in MERGED:
        (root / "usr" / name).mkdir()
        (root / name).symlink_to(f"usr/{name}")


def finish(root: Path, image: str, links: dict[str, str], environment: dict[str, str]) -> None:
    """Add accounts, links, environment and the image's marker; drop manuals; even out modes."""
    for name, text in FILES.items():
        (root / name).write_text(text, encoding="utf-8")
    for name, target in sorted((LINKS | links).items()):
        (root / name).unlink(missing_ok=True)
        (root / name).symlink_to(target)
    for name in PRUNED:
        shutil.rmtree(root / name, ignore_errors=True)
    _prune_documentation(root / "usr/share/doc")
    marker = json.dumps({"image": image}, sort_keys=True)
    (root / "etc/assay-image.json").write_text(marker + "\n", encoding="utf-8")
    _write_environment(root, environment)
    write_cache(root, LIBRARIES)
    compile_files(root)
    even_out_modes(root)


def even_out_modes(root: Path) -> None:
    """Set every mode from the file's kind alone, so that umask and user leave no trace.

    Set-user-id bits go too: a program in these images never gains rights.
    """
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            continue
        runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if runs else 0o644)
    for name in STICKY:
        (root / name).chmod(0o1777)
    root.chmod(0o755)


def _prune_documentation(folder: Path) -> None:
    """Keep the licences."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.name != "copyright":
            path.unlink()


def _write_environment(root: Path, environment: dict[str, str]) -> None:
    """Apptainer sources the script 99-base.sh, then injects APPTAINERENV_*, before a program."""
    folder = root / ".singularity.d/env"
    folder.mkdir(parents=True)
    lines = [f"export {name}='{value}'" for name, value in sorted(environment.items())]
    script = folder / "99-base.sh"
    script.write_text("\n".join(["#!/bin/sh", *lines, ""]), encoding="utf-8")
    script.chmod(0o755)
