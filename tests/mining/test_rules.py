import shutil

import pytest

from assay.core.errors import UserError
from assay.mining.rules import NEEDED, load_rules


@pytest.fixture
def folder(rules_folder, tmp_path):
    return shutil.copytree(rules_folder, tmp_path / "rules")


def test_the_rules_of_the_repository_are_all_there(rules):
    assert set(rules.nodes) == NEEDED
    assert set(rules.skip["paths"]) == {"artefacts", "vendored", "generated", "tests"}


BROKEN = {
    "no YAML": ("calls.yaml", "id: [", "can't read the extraction rules"),
    "no rule": ("calls.yaml", "id: calls\n", "this is no ast-grep rule"),
    "unknown field": ("calls.yaml", "id: calls\nrule: {kind: call}\nfix: x\n", "no ast-grep rule"),
    "unknown kind": ("calls.yaml", "id: calls\nrule: {kind: kall}\n", "ast-grep refuses"),
    "another name": ("calls.yaml", "id: kalls\nrule: {kind: call}\n", "not the ones that are used"),
    "skip": ("skip.yaml", "paths: {}\n", "the skip rules have another form"),
    "skip patterns": ("skip.yaml", "paths: {a: b}\ngenerated_markers: {lines: 1, words: []}\n",
                      "the skip rules have another form"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_is_named_with_its_file(folder, case):
    name, text, words = BROKEN[case]
    (folder / name).write_text(text)
    with pytest.raises(UserError, match=words) as caught:
        load_rules(folder)
    assert str(caught.value.details["where"]).startswith(str(folder))
    assert "Traceback" not in str(caught.value)


def test_a_missing_rule_is_an_error(folder):
    (folder / "metrics.yaml").unlink()
    with pytest.raises(UserError, match="not the ones that are used"):
        load_rules(folder)
