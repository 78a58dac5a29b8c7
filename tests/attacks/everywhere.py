"""Run the certified suite as root and as an ordinary user, on the bare host and in the container.

Prints one row a way: the sandbox's layers, hostile answers and how many of them passed, what they
left behind by kind, right answers and how many of them passed. What is looked at from outside, too
(processes, scratch folders, home, the tree, system folders, shared memory, queues, calls to a
listener on loopback), is looked at in each way before and after. A way that is not possible here is
named with the reason. Exit 0 if nothing broke in any way, 1 if something did.
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
import traceback
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/attacks"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/workflow"))

import contained
import traces
import twice

from assay.core.settings import read_yaml
from assay.images.build import builder_tools
from assay.images.names import name_of, read_lock
from assay.images.pack import unpack_image
from assay.images.store import image_file

REPOSITORY = Path(__file__).resolve().parents[2]
SYSTEM = ("/", "/etc", "/root", "/home", "/opt", "/run", "/usr", "/usr/bin", "/usr/local/bin",
          "/var", "/var/run", "/var/lib")  # fmt: skip
PLACES = ("host", "container")


@dataclass(frozen=True)
class Way:
    """One of the four: who runs the suite, and where."""

    user: str
    place: str

    @property
    def name(self) -> str:
        return f"{'root' if self.user == 'root' else 'ordinary user'}, {self.place}"


def ways() -> tuple[list[Way], list[str]]:
    """Return the ways that are possible here, and what is to be said of the others."""
    users = ["root", "nobody"] if os.getuid() == 0 else [twice.current_user()]
    missing = [] if os.getuid() == 0 else ["root, host and container: start it as root"]
    return [Way(user, place) for user in users for place in PLACES], missing


@dataclass(frozen=True)
class Ground:
    """Where the suite runs: a copy of the tree, a home and a cache for each user, one image."""

    base: Path
    root: Path
    archive: str

    def work(self, way: Way) -> Path:
        return self.base / way.user / "assay"

    def home(self, way: Way) -> Path:
        return self.base / way.user / "home"

    def cache(self, way: Way) -> Path:
        return self.home(way) / "cache"


def prepare(base: Path, users: list[str]) -> Ground:
    """Unpack the image; give each user a copy of the tree, a home, and links to the cache."""
    lock, cache = read_lock(REPOSITORY, "testbed-cerberus"), twice.shared_cache()
    root = base / "testbed"
    (base / "tools").mkdir()
    unpack_image(image_file(cache, name_of(lock)), root, builder_tools(cache, lock, base / "tools"))
    target = read_yaml(REPOSITORY / "config/targets/cerberus.yaml")
    ground = Ground(base, root, target["source"]["archive"]["sha256"])
    for way in [Way(user, "host") for user in users]:
        listed = subprocess.run(
            ["git", "ls-files", "-coz", "--exclude-standard"], cwd=REPOSITORY, check=True,
            capture_output=True, text=True,
        ).stdout.split("\0")  # fmt: skip
        for name in (one for one in listed if one and (REPOSITORY / one).is_file()):
            (ground.work(way) / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REPOSITORY / name, ground.work(way) / name)
        for kind in twice.KEPT:
            if (cache / kind).is_dir():
                place = ground.cache(way) / kind
                shutil.copytree(cache / kind, place, copy_function=twice.link, symlinks=True)
        if way.user != twice.current_user():
            twice.own(base / way.user, way.user)
    return ground


def as_user(way: Way) -> dict[str, object]:
    """Return what subprocess needs to start something as the way's user."""
    if way.user == twice.current_user():
        return {}
    entry = pwd.getpwnam(way.user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def environment(ground: Ground, way: Way) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    return {
        **kept, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(ground.home(way)), "ASSAY_CACHE": str(ground.cache(way)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip


def set_up(ground: Ground, way: Way) -> Path:
    """Make the user's own environment and Apptainer, as `make setup` does; return its Python."""
    (ground.home(way) / ".apptainer").mkdir(mode=0o700)  # Apptainer would, at its first start
    shutil.chown(ground.home(way) / ".apptainer", way.user)
    done = subprocess.run(
        ["python3", "envs/bootstrap.py"], cwd=ground.work(way), env=environment(ground, way),
        stdout=subprocess.PIPE, text=True, check=True, **as_user(way),
    )  # fmt: skip
    return Path(done.stdout.strip()) / "bin/python"


def suite(ground: Ground, way: Way, python: Path, options: list[str]) -> list[str]:
    """Return the command line that runs the suite in a way."""
    out = ground.work(way) / "certified.json"
    argv = ["tests/attacks/certify.py", "--out", str(out), *options]
    archive = str(ground.cache(way) / "archives" / ground.archive)
    if way.place == "host":
        return [str(python), *argv, "--root", str(ground.root), "--archive", archive]
    image, file = contained.testbed("cerberus", ground.cache(way))
    openable = subprocess.run(["test", "-r", "/dev/fuse", "-a", "-w", "/dev/fuse"], **as_user(way))
    place = ground.root if openable.returncode else image_file(file.parents[1], image)
    argv += ["--image", image, "--archive", archive]
    return contained.command(ground.work(way), place, ["python3", *argv])


def run_in(ground: Ground, way: Way, python: Path, options: list[str]) -> dict[str, object]:
    """Run the suite in a way, looking at the machine before and after; the keeper's work."""
    kept = [ground.base, REPOSITORY]
    private = os.getuid() == 0 and traces.private_scratch(kept)
    work, home = ground.work(way), ground.home(way)
    watched = [*(traces.SCRATCH if private else ()), home, work]
    names = [Path(name) for name in SYSTEM]
    settings = environment(ground, way)
    if way.place == "container":
        settings = {**settings, **contained.variables(ground.cache(way)), "HOME": str(home)}
    if private or way.place == "container":
        options = [*options, "--private", "--without", *map(str, kept)]
    argv = suite(ground, way, python, options)
    (work / "certified.json").touch()
    shutil.chown(work / "certified.json", way.user)
    with traces.adopt_orphans():
        listener = traces.Listener(Path("/tmp"))
        before = traces.look_at(watched, names, kept)
        code = subprocess.run(argv, cwd=work, env=settings, **as_user(way)).returncode
        effects = traces.difference(before, traces.look_at(watched, names, kept))
        effects["network"] += listener.close()
    effects["files"] = [one for one in effects["files"] if "/certified.json " not in one]
    if code:
        sys.exit(f"attacks: {way.name}: the suite ended with exit code {code}")
    found = json.loads((work / "certified.json").read_text())
    return {**found, "outside": effects, "private": private}


def counted(found: dict) -> dict[str, object]:
    """Return the row of a way: counts, and what broke in words."""
    hostile = [one for one in found["cases"] if one["hostile"]]
    right = [one for one in found["cases"] if not one["hostile"]]
    gaps = [one for one in hostile if one["gap"]]
    kinds = {
        kind: sum(len(one["effects"][kind]) for one in found["cases"]) + len(found["outside"][kind])
        for kind in traces.KINDS
    }
    broken = [
        f"{one['name']}: {text}" for one in found["cases"] if not one["gap"]
        for text in one["problems"]
    ]  # fmt: skip
    broken += [f"{one['name']}: the gap is closed: take the mark off" for one in gaps
               if not one["problems"]]  # fmt: skip
    broken += [f"outside: {kind}: {text}" for kind in traces.KINDS
               for text in found["outside"][kind]]  # fmt: skip
    return {
        "layers": " ".join(name for name, works in found["level"].items() if works),
        "hostile": len(hostile), "passed": sum(one["status"] == "passed" for one in hostile),
        "known gaps": len(gaps), **kinds, "right": len(right),
        "right passed": sum(one["status"] == "passed" for one in right),
        "seconds": round(sum(one["seconds"] for one in found["cases"])), "broken": broken,
    }  # fmt: skip


def table(rows: dict[str, dict]) -> str:
    """Return the rows as text, one line a way."""
    heads = [name for name in next(iter(rows.values())) if name != "broken"]
    lines = [["way", *heads]] + [[way, *(str(row[h]) for h in heads)] for way, row in rows.items()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
                     for line in lines)  # fmt: skip


def keep(ground: Ground, way: Way, python: Path, options: list[str]) -> dict:
    """Run one way in a keeper of its own: what it makes private ends with it."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reader)
            with os.fdopen(writer, "w") as stream:
                json.dump(run_in(ground, way, python, options), stream)
            code = 0
        except SystemExit as error:
            print(error.code, file=sys.stderr)
        except Exception:  # noqa: BLE001 (a fork must never return into its parent)
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as stream:
        text = stream.read()
    os.waitpid(pid, 0)
    if not text:
        sys.exit(f"attacks: {way.name}: nothing came of it")
    return json.loads(text)


def main() -> int:
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--only", default="", help="cases whose name holds this text")
    command.add_argument("--way", default="", help="ways whose name holds this text")
    given = command.parse_args()
    options = ["--only", given.only]
    chosen, missing = ways()
    missing += [f"{way.name}: not asked for" for way in chosen if given.way not in way.name]
    chosen = [way for way in chosen if given.way in way.name]
    base = Path(tempfile.mkdtemp(prefix="assay-attacks-"))
    base.chmod(0o755)
    try:
        ground = prepare(base, sorted({way.user for way in chosen}))
        pythons = {
            way.user: set_up(ground, way) for way in {one.user: one for one in chosen}.values()
        }
        rows = {}
        for way in chosen:
            began = time.monotonic()
            rows[way.name] = counted(keep(ground, way, pythons[way.user], options))
            print(f"attacks: {way.name}: {time.monotonic() - began:.0f} s", flush=True)
    finally:
        shutil.rmtree(base)
    print(table(rows))
    for text in missing:
        print(f"attacks: left out: {text}")
    broken = [f"{way}: {text}" for way, row in rows.items() for text in row["broken"]]
    print("\n".join(f"attacks: BROKEN: {text}" for text in broken) or "attacks: nothing broke")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
