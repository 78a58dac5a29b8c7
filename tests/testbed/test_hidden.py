"""Of a target's tests a sandbox shows modules that hold named values, without their tests."""

from __future__ import annotations

from assay.testbed.hidden import named_in_tests

TARGET = {
    "scan": ["thing"],
    "values": ["thing:*", "tests.test_ap*:app", "tests.more.main:app", "tests.absent:app"],
}
TEXT = "app = 1\n\n\ndef test_it():\n    assert app == 1\n"


def tree(folder, files):
    for path, data in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data.encode() if isinstance(data, str) else data)
    return folder


def test_modules_with_named_values_are_shown_without_their_tests(tmp_path):
    made = tree(tmp_path, {
        "thing/__init__.py": TEXT, "tests/__init__.py": "", "tests/test_app.py": TEXT,
        "tests/test_apart/__init__.py": TEXT, "tests/test_other.py": TEXT,
        "tests/more/__init__.py": "shared = 2\n", "tests/more/main.py": TEXT,
    })  # fmt: skip
    assert named_in_tests(made, TARGET, ["tests"]) == {
        "tests/__init__.py": "", "tests/test_app.py": "app = 1\n",
        "tests/test_apart/__init__.py": "app = 1\n", "tests/more/__init__.py": "shared = 2\n",
        "tests/more/main.py": "app = 1\n",
    }  # fmt: skip


def test_below_a_source_root_and_never_outside_of_the_tests(tmp_path):
    made = tree(tmp_path, {"src/tests/test_app.py": TEXT, "src/thing/tests.py": TEXT})
    target = {**TARGET, "source_roots": ["src"]}
    assert set(named_in_tests(made, target, ["src/tests"])) == {"src/tests/test_app.py"}
    assert named_in_tests(made, target, ["elsewhere"]) == {}


def test_what_is_no_utf_8_or_no_python_shows_nothing(tmp_path):
    odd = b"# coding: latin-1\napp = '\xe4'\n"
    made = tree(tmp_path, {"tests/test_app.py": odd, "tests/test_apt.py": "def (:\n"})
    assert named_in_tests(made, TARGET, ["tests"]) == {"tests/test_apt.py": ""}
