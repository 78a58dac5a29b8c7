"""Builds images twice from nothing, in conditions that must not matter, and compares the bytes.

The builds differ in folder, umask, time zone, locale, hash seed and processors; where root runs
this, the second one runs as `nobody`, by the system's Python if that user can't run root's.
Locked packages and wheels come from the cache (their digests are checked again); docker images are
fetched anew by each build, both made by one user where the other can't run Apptainer. Run by
`make images-twice`: exit 0 if every image is equal twice and is the locked one, else 1.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import installer

from assay.core.errors import EXIT_INTERNAL, AssayError, HarnessError, UserError
from assay.core.progress import say
from assay.images import docker
from assay.images.apptainer import locate
from assay.images.fetch import fetch_group, fetch_packages, wheel_file
from assay.images.names import image_name, lock_path, read_lock, unresolved
from assay.images.relock import wanted_images
from assay.images.store import cache_root

LIBRARY = Path(__file__).resolve().parents[1]
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
OTHER_USER = "nobody"
# Runs as the other user: what it prints says that this Python will do.
RUNS_APPTAINER = "import subprocess; subprocess.run(['apptainer', '--version'], check=True)"
PROBE = "import sys, zoneinfo; sys.exit(sys.version_info < (3, 11))"


@dataclass(frozen=True)
class Condition:
    """Where and how one of the two builds is made."""

    folder: Path
    python: str
    user: pwd.struct_passwd | None  # None: the user who runs this
    umask: int
    cores: int
    variables: dict[str, str]

    def start(self, arguments: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program of the library's copy in these conditions."""
        user = self.user
        environment = {"PATH": SYSTEM_PATH, "PYTHONPATH": str(self.folder / "scripts")}
        return subprocess.run(
            [self.python, *arguments], cwd=self.folder, env=environment | self.variables,
            umask=self.umask, check=False, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, user=user.pw_uid if user else None,
            group=user.pw_gid if user else None, extra_groups=[] if user else None, **options,
        )  # fmt: skip


def build_twice(repository: Path, cache: Path, name: str, base: Path) -> list[dict[str, Any]]:
    """Return what `assay.images.once` told of each of two builds of an image below `base`."""
    lock = read_lock(repository, name)
    fetch_packages(cache, [*lock["packages"], *lock["builder_packages"]])
    for group in lock["wheels"]:
        fetch_group(cache, group)
    reports = []
    pair = conditions(base)
    pair = with_apptainer(pair, cache) if "docker" in lock else pair
    for condition in pair:
        _prepare(condition, cache, lock, lock_path(repository, name))
        began = time.monotonic()
        reports.append(_build(condition, name))
        say(f"{name}: built in {time.monotonic() - began:.0f} s: {reports[-1]['conditions']}")
        for made in ("scripts", "cache"):
            shutil.rmtree(condition.folder / made)
    seen = [report["conditions"] for report in reports]
    require_different(seen, same_user=pair[1].user is None)
    return reports


def conditions(base: Path) -> tuple[Condition, Condition]:
    """Return the two conditions of builds below the folder `base`.

    Raises UserError where root has no Python that the other user can run.
    """
    usual = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "1"}
    unusual = {"TZ": "Asia/Kathmandu", "LC_ALL": "POSIX", "PYTHONHASHSEED": "4242"}
    other = pwd.getpwnam(OTHER_USER) if os.getuid() == 0 else None
    cores = len(os.sched_getaffinity(0))
    second = Condition(
        base / "b" / "elsewhere" / "deeper", sys.executable, other, 0o077, cores, unusual
    )
    second.folder.mkdir(parents=True)
    if other:
        _open(base)
        second = Condition(**vars(second) | {"python": _python_for(second)})
    first = Condition(base / "a", sys.executable, None, 0o022, 1, usual)
    return first, second


def with_apptainer(pair: tuple[Condition, Condition], cache: Path) -> tuple[Condition, Condition]:
    """Return the conditions with Apptainer; both of this user if the other one can't run it."""
    path = f"{locate(cache)}:{SYSTEM_PATH}"
    added = {**docker.registry_settings(), "PATH": path}
    first, second = (Condition(**vars(c) | {"variables": c.variables | added}) for c in pair)
    if second.user and second.start(["-c", RUNS_APPTAINER], stderr=subprocess.DEVNULL).returncode:
        say(f"{OTHER_USER} can't run the Apptainer here: both builds are made by this user")
        second = Condition(**vars(second) | {"user": None, "python": sys.executable})
    return first, second


def require_different(seen: Sequence[dict[str, Any]], *, same_user: bool = False) -> None:
    """Raise HarnessError unless the two builds saw the difference in everything that is varied.

    One processor, and a user who is not root, can't be varied.
    """
    first, second = seen
    fixed = set() if first["user"] == 0 and not same_user else {"user"}
    fixed |= {"cores"} if len(os.sched_getaffinity(0)) == 1 else set()
    same = sorted(name for name in set(first) - fixed if first[name] == second[name])
    if same:
        raise HarnessError(f"the two builds did not differ in {', '.join(same)}: {first}")


def verdict(lock: dict[str, Any], reports: Sequence[dict[str, Any]]) -> str:
    """Return "" if both builds are the locked image, else which digests differ."""
    promised = lock["result"]["sha256"]
    first, second = (report["sha256"] for report in reports)
    if first == second == promised:
        return ""
    return f"first build {first}, second build {second}, lock {promised}"


def compare_all(repository: Path, cache: Path, only: Sequence[str]) -> bool:
    """Build each image (or those named) twice; tell whether all are equal and as locked."""
    names = [name for name, _, _ in wanted_images(repository)]
    unknown = sorted(set(only) - set(names))
    if unknown:
        raise UserError("no such image", given=", ".join(unknown), expected=", ".join(names))
    left = [name for name in names if unresolved(repository, name) and not only]
    if left:
        say(f"left out, since their docker images are not resolved here: {', '.join(left)}")
    equal = True
    for name in only or [name for name in names if name not in left]:
        image = image_name(name, repository)
        base = Path(tempfile.mkdtemp(prefix=f"{name}-twice-"))
        kept = False
        try:
            lock = read_lock(repository, name)
            difference = verdict(lock, build_twice(repository, cache, name, base))
            kept = bool(difference)
        finally:
            if not kept:
                shutil.rmtree(base)
        equal = equal and not difference
        told = f"DIFFERENT: {difference} (kept: {base})" if kept else "equal twice and as locked"
        print(f"{image}: {lock['result']['sha256']}: {told}", flush=True)
    return equal


def _prepare(condition: Condition, cache: Path, lock: dict[str, Any], lock_file: Path) -> None:
    """Give a condition its own copy of the library, the lock and the downloads."""
    folder = condition.folder
    folder.mkdir(parents=True, exist_ok=True)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(LIBRARY, folder / "scripts" / "assay", ignore=ignored)
    source = Path(installer.__file__).parent
    shutil.copytree(source, folder / "scripts" / "installer", ignore=ignored)
    shutil.copyfile(lock_file, folder / "lock.json")
    for file in _downloads(cache, lock):
        target = folder / "cache" / file.relative_to(cache)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    if condition.user:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, condition.user.pw_uid, condition.user.pw_gid)


def _downloads(cache: Path, lock: dict[str, Any]) -> Iterator[Path]:
    packages = {entry["sha256"] for entry in [*lock["packages"], *lock["builder_packages"]]}
    yield from (cache / "packages" / f"{digest}.deb" for digest in sorted(packages))
    for group in lock["wheels"]:
        yield from (wheel_file(cache, entry) for entry in group["files"])


def _build(condition: Condition, name: str) -> dict[str, Any]:
    done = condition.start(
        ["-m", "assay.images.once", "--lock=lock.json", f"--cache={condition.folder / 'cache'}",
         f"--output={condition.folder / 'image.sqfs'}", f"--cores={condition.cores}"]
    )  # fmt: skip
    if done.returncode:
        raise HarnessError(f"{name}: the build in {condition.folder} ended with {done.returncode}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _open(base: Path) -> None:
    """Let the other user pass through the folders above its own."""
    for folder in (base, base / "b", base / "b" / "elsewhere", base / "b" / "elsewhere/deeper"):
        folder.chmod(0o755)


def _python_for(condition: Condition) -> str:
    """Return a Python 3.11 or newer that the condition's user can run."""
    for python in (sys.executable, shutil.which("python3", path=SYSTEM_PATH)):
        candidate = Condition(**vars(condition) | {"python": python})
        if python and _runs(candidate):
            return python
    raise UserError(
        f"the user {OTHER_USER} can run no Python 3.11 or newer, so the second build can't be made "
        "by another user", given=f"{sys.executable}, and python3 of {SYSTEM_PATH}",
        hint="install Python outside of root's home, or run this as an ordinary user",
    )  # fmt: skip


def _runs(condition: Condition) -> bool:
    try:
        return condition.start(["-c", PROBE], stderr=subprocess.DEVNULL).returncode == 0
    except PermissionError:
        return False


def main() -> None:
    """Build all images twice, or those named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", type=Path, default=Path.cwd())
    parser.add_argument("images", nargs="*", help="image names, such as testbed-cerberus")
    arguments = parser.parse_args()
    try:
        equal = compare_all(arguments.repository, cache_root(), arguments.images)
    except AssayError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)
    sys.exit(0 if equal else EXIT_INTERNAL)


if __name__ == "__main__":
    main()
