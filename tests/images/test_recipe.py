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


WHOLE = "suite: bookworm\npackages: []\nbuilder_packages: [squashfs-tools]\n"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("docker: {image: a/b:1}\nwheels: []\n", "python"),
        ("docker: {image: a/b:1, take: [usr/x], python: '3.12'}\nwheels: []\n", "python"),
        ("docker: {image: a/b, python: '3.12'}\nwheels: []\n", "a/b"),
        ("docker: {image: 'a/b@sha256:12', take: [x]}\nwheels: []\n", "sha256"),
        ("docker: {image: a/b:1, take: [/usr/x]}\nwheels: []\n", "/usr/x"),
        ("docker: {image: a/b:1, take: [usr/../x]}\nwheels: []\n", "usr/../x"),
        ("docker: {image: a/b:1, take: []}\nwheels: []\n", "take"),
        ("docker: {image: a/b:1, python: '3.12'}\nwheels: [{requirements: x, into: system}]\n",
         "apart"),
        ("wheels: [{requirements: x, into: apart}]\n", "apart"),
    ],
)  # fmt: skip
def test_a_docker_image_is_the_root_or_something_is_taken_of_it(tmp_path, text, word):
    path = tmp_path / "x.yaml"
    path.write_text(WHOLE + text)
    with pytest.raises(UserError, match="recipe is wrong") as error:
        read_recipe(path)
    assert word in error.value.details["given"]


def test_a_docker_root_has_no_debian_packages(tmp_path):
    path = tmp_path / "x.yaml"
    text = "docker: {image: 'h:5000/a/b:1', python: '3.12'}\nwheels: []\n"
    path.write_text(WHOLE + text)
    assert read_recipe(path)["docker"]["python"] == "3.12"
    path.write_text(WHOLE.replace("[]", "[python3]") + text)
    with pytest.raises(UserError, match=r"\$\.packages"):
        read_recipe(path)
