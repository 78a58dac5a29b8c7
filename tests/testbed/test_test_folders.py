"""Which folders hold the target's tests and are hidden where its code runs."""

from __future__ import annotations

import pytest

from assay.testbed.hidden import test_folders as folders_of


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["tests"], ("tests",)),
        (["tests/test_a.py"], ("tests",)),
        (["tests/deep", "tests/test_a.py"], ("tests",)),
        (["tests/deep"], ("tests/deep",)),
        (["code/tests/test_b.py"], ("code/tests",)),
        (["code/test_c.py"], ()),  # beside code: that must stay
        (["test_d.py"], ()),
        (["code/tests", "tests/test_a.py"], ("code/tests", "tests")),
    ],
)
def test_files_stand_for_their_folder_unless_it_holds_code(tmp_path, paths, expected):
    for folder in ("tests/deep", "code/tests"):
        (tmp_path / folder).mkdir(parents=True)
    assert folders_of(tmp_path, {"scan": ["code"], "tests": {"paths": paths}}) == expected
