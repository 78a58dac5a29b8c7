"""Recipes of images: what goes in, in words; the lock says which bytes."""

from __future__ import annotations

from pathlib import Path
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
        "wheels": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["requirements", "into"],
                "properties": {
                    # a hash-locked file, or `target` for the one that the target's config names
                    "requirements": {"type": "string"},
                    "into": {"enum": ["system", "testbed"]},
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
    if mistakes:
        raise UserError("the recipe is wrong", where=path, given="; ".join(sorted(mistakes)))
    return {"left_out": [], "links": {}, "environment": {}} | recipe
