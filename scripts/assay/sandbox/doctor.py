"""Says which layers of the sandbox this machine gives, and what to do where one is missing.

    python -m assay.sandbox.doctor [--root FOLDER] [--layers a,b,…]

Exit code 2 if a layer that is asked for is missing (or no sandbox starts at all), else 0.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from assay.core.errors import UserError
from assay.sandbox import cgroups, level, pids
from assay.sandbox.view import find_bwrap

MEANING = {
    "namespaces": "own users, processes, mounts, messages, host name; the system read-only",
    "network": "no interface but an own loopback, no socket but unix ones",
    "seccomp": "a filter of system calls, no new privileges",
    "rlimits": "bounds of memory, files and time for each process; scratch folders of fixed size",
    "cgroup": "bounds of the whole by the kernel; without it the launcher counts from outside",
}
SWITCHES = (
    "kernel/unprivileged_userns_clone", "user/max_user_namespaces",
    "kernel/apparmor_restrict_unprivileged_userns",
)  # fmt: skip


def examine(root: Path, layers: Sequence[str]) -> tuple[str, bool]:
    """Return a page about this machine, and whether the layers asked for are all reached.

    Raises UserError for an unknown layer, or where bubblewrap is missing.
    """
    if unknown := sorted(set(layers) - set(level.LAYERS)):
        raise UserError(
            "unknown layer of the sandbox", where="--layers", given=", ".join(unknown),
            expected=" | ".join(level.LAYERS),
        )  # fmt: skip
    lines = [f"{name:<12}{value}" for name, value in _facts().items()]
    try:
        reached = level.probe(root)
    except UserError as error:
        return "\n".join([*lines, "", str(error)]), False
    page, sound = _layers(reached, layers)
    return "\n".join([*lines, "", *page]), sound


def _facts() -> dict[str, str]:
    """Return what the machine offers, as far as it can be read."""
    facts = {
        "machine": f"{platform.machine()}, Linux {platform.release()}, {os.cpu_count()} cores",
        "user": "root" if os.geteuid() == 0 else "an ordinary user",
        "bubblewrap": str(find_bwrap()),
        "process numbers": (
            "each sandbox bounded by the kernel (pid_max)" if pids.can_bound()
            else "counted from outside; the kernel bounds an ordinary user's only"
        ),
        "cgroups": ", ".join(
            f"{name} (v{tree.version})" for tree in cgroups.trees() for name in tree.controllers
        ) or "none can be made here",
    }  # fmt: skip
    for switch in SWITCHES:
        place = Path("/proc/sys") / switch
        if place.exists():
            facts[switch.rpartition("/")[2]] = place.read_text(encoding="ascii").strip()
    width = max(map(len, facts)) + 2
    return {name.ljust(width): value for name, value in facts.items()}


def _layers(reached: Mapping[str, bool], asked: Sequence[str]) -> tuple[list[str], bool]:
    page = []
    for name in level.LAYERS:
        state = "works" if reached[name] else "MISSING" if name in asked else "not asked for"
        page.append(f"{name:<12}{state:<15}{MEANING[name]}")
        if not reached[name] and name in asked:
            page.append(f"{'':<12}what to do: {level.REMEDY[name]}")
    missing = [name for name in asked if not reached[name]]
    verdict = f"missing: {', '.join(missing)}; nothing untrusted runs here" if missing else (
        "every layer that is asked for works"
    )  # fmt: skip
    return [*page, "", verdict], not missing


def main() -> int:
    """Print the page; return the exit code."""
    command = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    command.add_argument("--root", type=Path, default=Path("/"), help="root file system to try in")
    command.add_argument("--layers", default=",".join(level.DEFAULT), help="layers asked for")
    given = command.parse_args()
    try:
        page, sound = examine(given.root, given.layers.split(","))
    except UserError as error:
        page, sound = f"error: {error}", False
    sys.stdout.write(page + "\n")
    return 0 if sound else UserError.exit_code


if __name__ == "__main__":
    sys.exit(main())
