"""Recipes of images: what goes in, in words; the lock says which bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from assay.core.errors import UserError

TEXTS = {"type": "array", "items": {"type": "string"}}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["suite", "packages", "builder_packages", "wheels"],
    "properties": {
        "suite": {"type": "string"},  # Debian suite; its main archive alone is used
        "packages": TEXTS,  # Debian packages, with what they depend on
        "left_out": TEXTS,  # dependencies that no program here needs
        "builder_packages": TEXTS,  # hold mksquashfs; not part of the image
        "docker": {
            "type": "object",
            "additionalProperties": False,
            "required": ["image"],
            "properties": {
                # host/name:tag, of Docker Hub without a host; the lock says which digest
                "image": {"type": "string", "pattern": r"^[a-z0-9][^@\s]*:[\w][\w.-]{0,127}$"},
                # what is copied of it over the Debian packages; without it the image is the root
                "take": {"type": "array", "minItems": 1, "items": {"type": "string"}},
                # of the image that is the root: the version of its Python
                "python": {"type": "string", "pattern": r"^3\.\d+$"},
            },
        },
        "wheels": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["requirements", "into"],
                "properties": {
                    # a hash-locked file, or `target` for the one that the target's config names
                    "requirements": {"type": "string"},
                    # apart: in a virtual environment beside a docker image's own packages
                    "into": {"enum": ["system", "testbed", "apart"]},
                },
            },
        },
        # link -> what it points to
        "links": {"type": "object", "additionalProperties": {"type": "string"}},
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


def read_recipe(path: Path) -> dict[str, Any]:
    """Return the recipe with defaults filled in.

    Raises UserError that lists every mistake in the file.
    """
    try:
        recipe: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UserError("can't read the recipe", where=path, given=error) from error
    mistakes = [
        f"{error.json_path}: {error.message}"
        for error in Draft202012Validator(SCHEMA).iter_errors(recipe)
    ]
    mistakes += [] if mistakes else _mistakes(recipe)
    if mistakes:
        raise UserError("the recipe is wrong", where=path, given="; ".join(sorted(mistakes)))
    return {"left_out": [], "links": {}, "environment": {}} | recipe


def _mistakes(recipe: dict[str, Any]) -> Iterator[str]:
    """Yield what does not fit together: a root is made of packages, or is a docker image's."""
    docker = recipe.get("docker", {})
    whole = bool(docker) and "take" not in docker
    if whole and recipe["packages"]:
        yield "$.packages: a docker image is the root, so none; or say `docker.take`"
    if whole != ("python" in docker):
        yield "$.docker.python: needed where a docker image is the root, and only there"
    for group in recipe["wheels"]:
        if whole != (group["into"] == "apart"):
            yield f"$.wheels: into {group['into']}: `apart` where a docker image is the root"
    for name in docker.get("take", []):
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            yield f"$.docker.take: {name}: a path from the image's root is needed, without `/`"
