"""Real code has no inventions; the target's own, and a part of the standard library, whole files.

`make names` measures the same over all of the standard library and the requirements.
"""

from __future__ import annotations

import ast

import pytest

from assay.core.execution import Limits
from assay.core.settings import read_yaml
from assay.hallucinations.api import Api
from assay.hallucinations.check import Place, check
from assay.hallucinations.index import build
from assay.mining.paths import module_name
from assay.testbed.introspection import inspect_environment, python_files

UNIT = """
import json
from cerberus import Validator, errors

def validate(document, schema):
    validator = Validator(schema, allow_unknown=True, require_everything=True)
    if not validator.validate(document, normalise=False):
        raise errors.ValidationFailed(json.dumps(validator.problems))
    return validator.normalized(document)
"""
TREE = {
    "cerberus/__init__.py": "from cerberus.errors import Validator\n",
    "cerberus/errors.py": (
        "class ValidationError(Exception):\n    pass\n\n\nclass Validator:\n"
        "    def __init__(self, schema, allow_unknown=False):\n        self.schema = schema\n"
        "    def validate(self, document, normalize=True):\n        self.errors = {}\n"
        "    def normalized(self, document):\n        return self.errors\n"
    ),
}


def test_a_part_of_the_standard_library_has_none(api, library):
    assert len(library) > 60
    for path, data in library:
        place = Place(module_name(path, [""]), "/__init__." in path)
        assert check(ast.parse(data), api, place) == [], path


@pytest.fixture(scope="module")
def environment(repository, testbed_root, tmp_path_factory):
    """The index of a target of two files and of Cerberus' requirements; their texts."""
    target = read_yaml(repository / "config/targets/cerberus.yaml")
    tree = tmp_path_factory.mktemp("tree")
    for path, text in TREE.items():
        (tree / path).parent.mkdir(exist_ok=True)
        (tree / path).write_text(text)
    modules = ["cerberus", "cerberus.errors"]
    records = inspect_environment(tree, target, modules, testbed_root, Limits())
    named = [(*path.split("/", 1), each.data) for path, each in python_files(testbed_root).items()]
    wanted = [file for file in named if file[0] == "requirement"]
    own = [("target", path, text.encode()) for path, text in TREE.items()]
    return Api(build("cerberus", records, [*wanted, *own])), wanted


@pytest.mark.slow
def test_the_pinned_environment_is_inspected_in_the_sandbox(environment):
    api, requirements = environment
    made = check(ast.parse(UNIT), api, Place())
    assert [(one.kind, one.name, one.nearest) for one in made] == [
        ("keyword", "require_everything", ""), ("keyword", "normalise", "normalize"),
        ("attribute", "errors.ValidationFailed", "ValidationError"), ("member", "problems", ""),
    ]  # fmt: skip
    mine = ("pluggy/", "iniconfig/", "coverage/")
    own = [(path, data) for _, path, data in requirements if path.startswith(mine)]
    assert len(own) > 40
    for path, data in own:
        place = Place(module_name(path, [""]), "/__init__." in path)
        assert check(ast.parse(data), api, place) == [], path
