"""Modules of the tree that examples use are shown whole, in order, and only where there is room."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from assay.categories._uses import filled
from assay.core.codec import encode

TEXT = "{{#modules}}\nThey use:\n\n{{modules}}\n\n{{/modules}}\n{{examples}}\n"
FILES = {
    "docs_src/app.py": '"""An application."""\n\napp = 1\n\n',
    "docs_src/more/__init__.py": "other = 2\n",
    "docs_src/fenced.py": 'text = """\n```\n"""\n',
    "docs_src/empty.py": "\n",
    "pkg/core.py": "secret = 3\n",
    "tests/test_app.py": (
        "import pytest\n\napp = 1\n\n\n@app.get\ndef read():\n    pass\n\n\n"
        "@pytest.fixture(name='client')\ndef made():\n    return app\n\n\n"
        "@pytest.mark.parametrize(\n    'x', [1]\n)\nasync def test_read(x):\n"
        "    assert read() is None\n\n\n"
        "class TestMore:\n    right = 4\n\n\ndef late():\n    pass\n"
    ),
    "tests/broken.py": "def (\n",
}  # fmt: skip


def read(path):
    if path not in FILES:
        raise FileNotFoundError(path)
    return FILES[path]


MATERIAL = SimpleNamespace(unit={"module": "pkg.core"}, bench=SimpleNamespace(read=read))


def use(*names):
    return {"entry": "pkg.core:Client", "init": [["list", [["name", name] for name in names]],
            encode({})], "calls": []}  # fmt: skip


@pytest.fixture
def prompt(monkeypatch):
    """Return the prompt over uses of these modules, `most` characters long at most."""
    monkeypatch.setattr(
        "assay.core.codec.modules",
        lambda data: {"pkg.core", *(item[1] for item in data["init"][0][1])},
    )

    def made(*names, most=1000):
        return filled(TEXT, {"examples": "e" * 10}, [use(*names)], MATERIAL, most)

    return made


def test_modules_of_the_tree_are_shown_under_their_paths_sorted(prompt):
    assert prompt("docs_src.more", "docs_src.app") == (
        'They use:\n\n# docs_src/app.py\n"""An application."""\n\napp = 1\n\n'
        "# docs_src/more/__init__.py\nother = 2\n\neeeeeeeeee\n"
    )


@pytest.mark.parametrize(
    "name", ["pkg.core", "third.party", "docs_src.empty", "docs_src.fenced", "tests.broken"]
)
def test_the_package_itself_others_and_what_would_break_the_fence_are_not(prompt, name):
    assert prompt(name) == "eeeeeeeeee\n"


def test_what_does_not_fit_is_left_out_and_a_longer_prompt_stays_as_it_is(prompt):
    bare = len("eeeeeeeeee\n")
    small = len("# docs_src/more/__init__.py\nother = 2\n\n")
    found = prompt("docs_src.app", "docs_src.more", most=bare + 120 + small)
    assert "other = 2" in found
    assert "app = 1" not in found
    assert len(found) <= bare + 120 + small
    assert prompt("docs_src.app", most=5) == "eeeeeeeeee\n"


def test_of_a_module_of_tests_what_they_use_is_shown_and_not_what_they_claim(prompt):
    assert prompt("tests.test_app") == (
        "They use:\n\n# tests/test_app.py\nimport pytest\n\napp = 1\n\n\n@app.get\ndef read():\n"
        "    pass\n\n\ndef late():\n    pass\n\neeeeeeeeee\n"
    )
