from __future__ import annotations

import pytest

from assay.core.errors import UserError
from assay.images.recipe import read_recipe

GOOD = "suite: bookworm\npackages: [python3]\nbuilder_packages: [squashfs-tools]\nwheels: []\n"


def test_defaults_are_filled_in(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(GOOD)
    recipe = read_recipe(path)
    assert (recipe["left_out"], recipe["links"], recipe["environment"]) == ([], {}, {})
    assert recipe["packages"] == ["python3"]


def test_the_recipes_of_this_repository_are_right(repository):
    for path in sorted((repository / "containers").glob("*.yaml")):
        assert read_recipe(path)["builder_packages"] == ["squashfs-tools"]


def test_every_mistake_is_listed(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("suite: 12\npackages: python3\nwheels: [{into: attic}]\ncolour: red\n")
    with pytest.raises(UserError) as error:
        read_recipe(path)
    text = str(error.value)
    for part in ("x.yaml", "$.suite", "$.packages", "builder_packages", "colour", "attic",
                 "requirements"):  # fmt: skip
        assert part in text


@pytest.mark.parametrize("text", ["suite: [", "", "- a\n- b\n"], ids=["torn", "empty", "a list"])
def test_what_is_no_recipe_is_named(tmp_path, text):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"recipe(.|\n)*x\.yaml"):
        read_recipe(path)


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.yaml"):
        read_recipe(tmp_path / "none.yaml")
