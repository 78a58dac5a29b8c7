"""Makes the locks of images anew: resolves packages, wheels and docker images, builds, measures.

Run by `make relock`. It needs the network; everything else reads the locks alone.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from assay.core.errors import AssayError, UserError
from assay.core.files import sha256_file, write_json
from assay.core.progress import say
from assay.images import apt
from assay.images.build import (
    Lock,
    build_image,
    builder_tools,
    ensure_image,
    telling_full,
    unpack_evenly,
)
from assay.images.fetch import PYTHON, download_wheels
from assay.images.names import lock_path, name_of, unresolved
from assay.images.recipe import read_recipe
from assay.images.resolve import resolve as resolve_image
from assay.images.store import cache_root, tree_digest

TARGET = "testbed"  # the recipe that is built once a target


def relock_all(repository: Path, cache: Path, only: list[str]) -> None:
    """Write the lock of each image (or of those named) and put the image into the cache."""
    wanted = wanted_images(repository)
    known = [name for name, _, _ in wanted]
    if unknown := sorted(set(only) - set(known)):
        raise UserError("no such image", given=", ".join(unknown), expected=", ".join(known))
    for name, recipe, requirements in wanted:
        if only and name not in only:
            continue
        if not only and unresolved(repository, name):
            say(f"{name}: left out, since it is of a docker image that is not resolved here: "
                f"`make relock ENGINE={name}` does that, and transfers some GB")  # fmt: skip
            continue
        lock = resolve(repository, cache, name, recipe, requirements)
        lock["result"] = measure(cache, lock)
        write_json(lock_path(repository, name), lock)
        ensure_image(cache, lock)
        say(f"{name}: locked as {lock['result']['image']}, {lock['result']['size']} bytes")


def wanted_images(repository: Path) -> list[tuple[str, str, str | None]]:
    """Return (image, recipe, the target's requirements) for each recipe and each target."""
    found: list[tuple[str, str, str | None]] = []
    recipes = [path.stem for path in sorted((repository / "containers").glob("*.yaml"))]
    found += [(recipe, recipe, None) for recipe in recipes if recipe != TARGET]
    for path in sorted((repository / "config/targets").glob("*.yaml")):
        requirements = yaml.safe_load(path.read_text(encoding="utf-8")).get("requirements")
        if not requirements:
            raise UserError("the target names no `requirements`", where=path)
        found.append((f"{TARGET}-{path.stem}", TARGET, requirements))
    return found


def resolve(
    repository: Path, cache: Path, name: str, recipe_name: str, requirements: str | None
) -> Lock:
    """Return a lock without its result: every package and wheel with version and sha256."""
    path = repository / "containers" / f"{recipe_name}.yaml"
    recipe = read_recipe(path)
    docker = docker_of(recipe)
    archive = apt.open_suite(cache / "apt" / recipe["suite"], recipe["suite"])
    inputs, groups = [path], []
    for group in recipe["wheels"]:
        source = repository / str(
            requirements if group["requirements"] == "target" else group["requirements"]
        )
        inputs.append(source)
        groups.append(locked_group(cache, source, group["into"], docker.get("python")))
    return {
        "name": name,
        "inputs": {str(file.relative_to(repository)): sha256_file(file) for file in inputs},
        "suite": recipe["suite"],
        "links": recipe["links"],
        "environment": recipe["environment"],
        "packages": [asdict(p) for p in archive.closure(recipe["packages"], recipe["left_out"])]
        if recipe["packages"] else [],
        "builder_packages": [asdict(p) for p in archive.closure(recipe["builder_packages"])],
        "wheels": groups,
        **({"docker": docker} if docker else {}),
    }  # fmt: skip


def docker_of(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return what a lock says of a recipe's docker image: empty if it has none.

    `image`, `digest`, `size` in bytes of what is transferred, and `take` or `python`.
    """
    if "docker" not in recipe:
        return {}
    found = resolve_image(recipe["docker"]["image"])
    say(f"{found['image']}: {found['digest']}, {found['size'] / 1e6:.0f} MB")
    return {**recipe["docker"], **found}


def locked_group(cache: Path, requirements: Path, into: str, python: str | None) -> dict[str, Any]:
    """Return a lock's group of wheels; it names the Python only where it is a docker image's."""
    files = locked_wheels(cache, requirements, python or PYTHON)
    return {"into": into, "files": files, **({"python": python} if python else {})}


def locked_wheels(cache: Path, requirements: Path, python: str) -> list[dict[str, Any]]:
    """Return name, version, file and sha256 of the wheel for each line of a hash-locked file."""
    text = requirements.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = []
    for file in download_wheels(cache, lines, python):
        name, version = file.name.split("-")[:2]
        name = re.sub(r"[-_.]+", "-", name).lower()
        found.append({"name": name, "version": version, "file": file.name,
                      "sha256": sha256_file(file)})  # fmt: skip
    return sorted(found, key=lambda entry: entry["name"])


def measure(cache: Path, lock: Lock) -> dict[str, Any]:
    """Build the image in a scratch folder; return its name, size and digests."""
    folder = cache / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=".relock-") as name,
        telling_full(folder),
    ):
        scratch = Path(name)
        made = scratch / "image.sqfs"
        build_image(cache, lock, made, scratch)
        (scratch / "again").mkdir()
        unpacked = scratch / "again/root"
        unpack_evenly(made, unpacked, builder_tools(cache, lock, scratch / "again"))
        return {
            "image": name_of(lock),
            "sha256": sha256_file(made),
            "size": made.stat().st_size,
            "tree": tree_digest(unpacked),
        }


def main() -> None:
    """Relock all images, or those named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", type=Path, default=Path.cwd())
    parser.add_argument("images", nargs="*", help="image names, such as testbed-cerberus")
    arguments = parser.parse_args()
    try:
        relock_all(arguments.repository, cache_root(), arguments.images)
    except AssayError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
