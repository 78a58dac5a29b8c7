"""Makes the locks of images anew: resolves packages and wheels, builds, records the digests.

Run by `make relock`. It needs the network; everything else reads the locks alone.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from assay.core.errors import UserError
from assay.core.files import sha256_file, write_json
from assay.core.progress import say
from assay.images import apt
from assay.images.build import Lock, build_image, builder_tools, ensure_image, unpack_evenly
from assay.images.fetch import download_wheels
from assay.images.names import lock_path, name_of
from assay.images.recipe import read_recipe
from assay.images.store import cache_root, tree_digest

TARGET = "testbed"  # the recipe that is built once a target


def relock_all(repository: Path, cache: Path, only: list[str]) -> None:
    """Write the lock of each image (or of those named) and put the image into the cache."""
    for name, recipe, requirements in wanted_images(repository):
        if only and name not in only:
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
    archive = apt.open_suite(cache / "apt" / recipe["suite"], recipe["suite"])
    inputs, groups = [path], []
    for group in recipe["wheels"]:
        source = repository / str(
            requirements if group["requirements"] == "target" else group["requirements"]
        )
        inputs.append(source)
        groups.append({"into": group["into"], "files": locked_wheels(cache, source)})
    return {
        "name": name,
        "inputs": {str(file.relative_to(repository)): sha256_file(file) for file in inputs},
        "suite": recipe["suite"],
        "links": recipe["links"],
        "environment": recipe["environment"],
        "packages": [asdict(p) for p in archive.closure(recipe["packages"], recipe["left_out"])],
        "builder_packages": [asdict(p) for p in archive.closure(recipe["builder_packages"])],
        "wheels": groups,
    }


def locked_wheels(cache: Path, requirements: Path) -> list[dict[str, Any]]:
    """Return name, version, file and sha256 of the wheel for each line of a hash-locked file."""
    text = requirements.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = []
    for file in download_wheels(cache, lines):
        name, version = file.name.split("-")[:2]
        name = re.sub(r"[-_.]+", "-", name).lower()
        found.append({"name": name, "version": version, "file": file.name,
                      "sha256": sha256_file(file)})  # fmt: skip
    return sorted(found, key=lambda entry: entry["name"])


def measure(cache: Path, lock: Lock) -> dict[str, Any]:
    """Build the image in a scratch folder; return its name, size and digests."""
    folder = cache / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".relock-") as name:
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
    relock_all(arguments.repository, cache_root(), arguments.images)


if __name__ == "__main__":
    main()
