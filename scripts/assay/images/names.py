"""Image names: `<name>-<digest12>`, known before anything is built.

The digest covers the lock (packages, wheels, environment) and the code that turns it into bytes.
The lock in turn holds the digests of the files that it was made from, so that a stale lock is
seen at once.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from assay.core.errors import UserError
from assay.core.files import canonical_json, read_json, sha256_file

ROOM = Path(__file__).parent
# Modules whose code decides about an image's bytes.
BUILDER = ("bytecode.py", "install.py", "ldcache.py", "pack.py", "root.py", "unpack.py")
# The same for images that hold something of a docker image; no other's name depends on it.
DOCKER = ("docker.py", "docker_root.py")
LOCKS = Path("containers/locks")
HINT = "run `make relock`, look at the difference and commit it"
_OF_DOCKER = re.compile(r"^docker:", re.MULTILINE)


def image_name(recipe: str, repository: Path, target: dict[str, Any] | None = None) -> str:
    """Return the name of the image of a recipe (with `target`, of that target's testbed).

    `target` is the target's config, of which `name` is used. Raises UserError if the lock is
    missing, or older than the recipe, the requirements or the builder.
    """
    base = f"{recipe}-{target['name']}" if target else recipe
    lock = read_lock(repository, base)
    check_fresh(lock, repository)
    name = name_of(lock)
    if lock["result"]["image"] != name:
        raise UserError(
            "the image's lock is older than the builder", where=lock_path(repository, base),
            given=lock["result"]["image"], expected=name, hint=HINT,
        )  # fmt: skip
    return name


def lock_path(repository: Path, base: str) -> Path:
    """Return the lock file of an image such as `tools` or `testbed-cerberus`."""
    return repository / LOCKS / f"{base}.lock.json"


def unresolved(repository: Path, base: str) -> bool:
    """Tell whether an image is of a docker image whose digest nobody has looked up yet."""
    recipe = repository / "containers" / f"{base}.yaml"
    if lock_path(repository, base).is_file() or not recipe.is_file():
        return False
    return bool(_OF_DOCKER.search(recipe.read_text(encoding="utf-8")))


def read_lock(repository: Path, base: str) -> dict[str, Any]:
    """Return the lock of an image; raise UserError if there is none."""
    path = lock_path(repository, base)
    if unresolved(repository, base):
        raise UserError(
            f"the docker image of the recipe {base} is not resolved here, so nothing can run in it",
            where=f"containers/{base}.yaml", given=f"no {LOCKS.as_posix()}/{base}.lock.json",
            expected="the lock with the image's digest",
            hint=f"run `make relock ENGINE={base}` on a machine with a network, look at the lock "
            "and commit it",
        )  # fmt: skip
    if not path.is_file():
        raise UserError("the image has no lock", where=path, hint=HINT)
    lock: dict[str, Any] = read_json(path)
    return lock


def check_fresh(lock: dict[str, Any], repository: Path) -> None:
    """Raise UserError unless every file that the lock was made from is unchanged."""
    for name, expected in sorted(lock["inputs"].items()):
        path = repository / name
        found = sha256_file(path) if path.is_file() else "no such file"
        if found != expected:
            raise UserError(
                f"the lock of image {lock['name']} is older than its input", where=path,
                given=found, expected=expected, hint=HINT,
            )  # fmt: skip


def name_of(lock: dict[str, Any]) -> str:
    """Return `<name>-<digest12>` over the lock, without its result, and the builder's code."""
    state = hashlib.sha256()
    content = {key: value for key, value in lock.items() if key != "result"}
    state.update(canonical_json(content).encode("utf-8"))
    for module in (*BUILDER, *DOCKER) if "docker" in lock else BUILDER:
        state.update((ROOM / module).read_bytes())
    return f"{lock['name']}-{state.hexdigest()[:12]}"


def receipt_of(lock: dict[str, Any]) -> dict[str, Any]:
    """Return the receipt of a lock's image: what `build_image` writes once the image is there."""
    docker = {"docker": lock["docker"]["digest"]} if "docker" in lock else {}
    return {
        "image": name_of(lock),
        "packages": len(lock["packages"]),
        "sha256": lock["result"]["sha256"],
        "inputs": lock["inputs"],
        **docker,
    }
