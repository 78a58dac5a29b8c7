"""Which layers of the sandbox really work here, found out by trying, never by asking.

The sandbox fails closed: what the config asks for and does not work stops the step.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from assay.core.errors import UserError
from assay.core.execution import RAN, Limits
from assay.sandbox import cgroups, seccomp
from assay.sandbox.launch import run
from assay.sandbox.view import View

LAYERS = ("namespaces", "network", "seccomp", "rlimits", "cgroup")
DEFAULT = ("namespaces", "network", "seccomp", "rlimits")
# What to do about a layer that is missing.
REMEDY = {
    "namespaces": "sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0, "
                  "kernel.apparmor_restrict_unprivileged_userns=0",
    "network": "the same as for namespaces: the network's is one of them",
    "seccomp": "a kernel with CONFIG_SECCOMP_FILTER, on x86_64 or aarch64",
    "rlimits": "raise the hard limits of who starts the run (ulimit -H -a), and mount no /dev/shm "
               "over the sandbox's",
    "cgroup": "let who starts the run make control groups with the controllers memory and pids: "
              "root can where /sys/fs/cgroup is writable, an ordinary user under "
              "`systemd-run --user --scope -p Delegate=yes`",
}  # fmt: skip
LIMITS = Limits(cpu_s=10, wall_s=30, memory_mb=512, tmp_mb=8)
PYTHON = "/usr/bin/python3"
NAMESPACES = ("user", "pid", "mnt", "ipc", "uts", "net")
TRIAL = """
import json, os, resource, socket, sys
OUTSIDE, MEMORY, SIZE = json.loads(sys.argv[1])
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
def refused(work):
    try:
        work()
    except OSError:
        return True
    return False
own = {name: os.readlink("/proc/self/ns/" + name) for name in OUTSIDE}
scratch = [os.statvfs(place) for place in ("/tmp", "/dev/shm")]
lines = open("/proc/net/dev").read().splitlines()[2:]
processes = [name for name in os.listdir("/proc") if name.isdigit()]
print(json.dumps({
    "namespaces": not [name for name in OUTSIDE if own[name] == OUTSIDE[name]]
    and os.getuid() == 65534 and len(processes) < 5
    and os.uname().nodename == "sandbox" and int(status["CapEff"], 16) == 0
    and refused(lambda: open("/usr/x", "w")) and refused(lambda: open("/x", "w")),
    "network": [line.split(":")[0].strip() for line in lines] == ["lo"]
    and own["net"] != OUTSIDE["net"] and refused(lambda: socket.socket(socket.AF_INET)),
    "seccomp": int(status["Seccomp"]) == 2 and int(status["NoNewPrivs"]) == 1,
    "rlimits": resource.getrlimit(resource.RLIMIT_AS)[1] == MEMORY
    and resource.getrlimit(resource.RLIMIT_CORE)[1] == 0
    and [part.f_blocks * part.f_frsize for part in scratch] == [SIZE, SIZE],
}))
"""


def probe(root: Path = Path("/")) -> dict[str, bool]:
    """Return layer -> whether it works here, with `root` as the sandbox's root file system.

    Raises UserError if no sandbox starts at all.
    """
    if not seccomp.supported():
        raise UserError(
            "there is no seccomp filter for this machine's architecture",
            expected=" | ".join(sorted(seccomp.ARCHITECTURES)), hint="run on one of these",
        )  # fmt: skip
    known = json.dumps([_namespaces(), LIMITS.memory_mb << 20, LIMITS.tmp_mb << 20])
    outcome = run([PYTHON, "-I", "-c", TRIAL, known], View(root), LIMITS)
    if outcome.kind != RAN:
        text = outcome.streams.get("stderr", b"").decode("utf-8", "replace").strip()[-500:]
        raise UserError(
            "the sandbox does not start, so nothing untrusted runs", where=root,
            given=text or outcome.detail, expected="a bubblewrap sandbox",
            hint=f"allow unprivileged user namespaces ({REMEDY['namespaces']}); if the shell "
            f"inside could not set its limits, {REMEDY['rlimits']}",
        )  # fmt: skip
    found = json.loads(outcome.streams["stdout"])
    return {**{name: bool(found[name]) for name in DEFAULT}, "cgroup": cgroups.probe()}


def _namespaces() -> dict[str, str]:
    """Return the namespaces of this process, which must not be the sandbox's."""
    return {name: str((Path("/proc/self/ns") / name).readlink()) for name in NAMESPACES}


def require(layers: Sequence[str] = DEFAULT, root: Path = Path("/")) -> dict[str, bool]:
    """Return the level reached; raise UserError if a layer that is asked for does not work."""
    unknown = sorted(set(layers) - set(LAYERS))
    if unknown:
        raise UserError(
            "unknown layer of the sandbox", where="sandbox.layers", given=", ".join(unknown),
            expected=" | ".join(LAYERS),
        )  # fmt: skip
    level = probe(root)
    missing = sorted(name for name in layers if not level[name])
    if missing:
        raise UserError(
            "a layer of the sandbox is missing, so nothing untrusted runs",
            where="sandbox.layers", given=f"missing: {', '.join(missing)}",
            expected=", ".join(layers),
            hint="mend the machine, or ask for less in the config's sandbox.layers; "
            + "; ".join(f"{name}: {REMEDY[name]}" for name in missing),
        )  # fmt: skip
    return level
