from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from assay.core import settings
from assay.core.errors import UserError

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(CONFIG, tmp_path / "config")
    return tmp_path / "config"


def test_the_defaults_are_valid_and_every_line_is_explained():
    loaded = settings.load(CONFIG)
    assert loaded.config["run"] == "pilot"
    assert set(loaded.targets) == set(loaded.config["targets"])
    assert set(loaded.models) == set(loaded.config["models"])
    for line in (CONFIG / "config.yaml").read_text().splitlines():
        if ":" in line and not line.startswith("#") and not line.startswith("models:"):
            assert "#" in line, line


def test_every_mistake_is_listed_at_once_with_a_hint(folder):
    wrong = {
        "sede": 1,
        "run": "a b",
        "tasks": {"per_category": "20", "shown": 0},
        "targets": ["cerberos"],
        "sandbox": {"layers": ["seccomp", "magic"]},
    }
    with pytest.raises(UserError) as caught:
        settings.load(folder, wrong)
    text = str(caught.value)
    assert caught.value.exit_code == 2
    assert "6 mistakes" in text
    for part in (
        "did you mean seed?", "tasks.per_category: wrong type", "given:    '20'",
        "tasks.shown: too small", "target file is missing", "did you mean cerberus?",
        "sandbox.layers[1]: unknown value", "run: wrong form",
    ):  # fmt: skip
        assert part in text, text


def test_mistakes_in_the_named_files_are_listed_with_their_place(folder):
    path = folder / "models" / "null.yaml"
    content = yaml.safe_load(path.read_text())
    content["colour"] = "red"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(UserError, match=r"null.yaml: \(top level\): unknown key"):
        settings.load(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parameters": {"accuracy": 2}}, "oracle.yaml: parameters.accuracy: too large"),
        ({"parameters": {"accurate": 1}}, "did you mean accuracy?"),
        ({"engine": "orakle"}, "did you mean oracle?"),
    ],
)
def test_a_models_parameters_are_checked_by_its_engine(folder, change, words):
    path = folder / "models" / "oracle.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **change}))
    with pytest.raises(UserError) as caught:
        settings.load(folder)
    assert words in str(caught.value)


def test_every_model_file_is_valid():
    files = {path.stem: yaml.safe_load(path.read_text()) for path in (CONFIG / "models").iterdir()}
    # Those whose weights nobody here has seen are refused for that alone (below).
    names = sorted(name for name in files if "pin" not in files[name].get("weights", {}))
    assert list(settings.load(CONFIG, {"models": names}).models) == names


@pytest.mark.parametrize("text", ["run: [", "- a\n", "\xff", ""])
def test_a_file_that_is_no_yaml_mapping_is_named(folder, text):
    (folder / "config.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"config\.yaml"):
        settings.load(folder)


def changed(folder, name, change):
    path = folder / "models" / f"{name}.yaml"
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))


def test_parameters_are_checked_by_the_engine_s_own_schema(folder):
    def change(content):
        del content["parameters"]["ubatch"]
        content["parameters"].update(contexts=1, kv_type="q4_2")

    changed(folder, "smollm2-135m", change)
    with pytest.raises(UserError) as caught:
        settings.load(folder, {"models": ["smollm2-135m"]})
    text = str(caught.value)
    for part in (
        "3 mistakes", "smollm2-135m.yaml: parameters: missing key", "add `ubatch:`",
        "did you mean context?", "parameters.kv_type: unknown value",
    ):  # fmt: skip
        assert part in text, text


UNPINNED = "qwen3.6-35b-a3b-ollama"


def test_weights_without_a_digest_refuse_the_run_that_names_them_and_no_other(folder):
    assert settings.load(folder).models, "the file is there, and no other run minds"
    with pytest.raises(UserError) as caught:
        settings.load(folder, {"models": [UNPINNED]})
    text = str(caught.value)
    for part in (
        "1 mistake:", f"{UNPINNED}.yaml: weights: the weights are not pinned",
        f"make pin MODEL={UNPINNED} FILE=",
    ):  # fmt: skip
        assert part in text, text


def test_weights_need_a_digest_unless_they_say_that_they_are_to_be_pinned(folder):
    changed(folder, "smollm2-135m", lambda content: content["weights"].pop("sha256"))
    with pytest.raises(UserError, match=r"weights: missing key\n.*\n.*sha256"):
        settings.load(folder, {"models": ["smollm2-135m"]})
    changed(folder, "smollm2-135m", lambda content: content["weights"].update(pin="later"))
    with pytest.raises(UserError, match=r"weights.pin"):
        settings.load(folder, {"models": ["smollm2-135m"]})


def test_an_engine_that_is_none_is_named(folder):
    changed(folder, "null", lambda content: content.update(engine="olama"))
    with pytest.raises(UserError, match="unknown engine") as caught:
        settings.load(folder, {"models": ["null"]})
    assert "did you mean ollama?" in str(caught.value)


def test_execution_settings_are_no_part_of_the_recorded_config():
    one = settings.load(CONFIG, {"execution": {"shards": 1}})
    many = settings.load(CONFIG, {"execution": {"shards": 9}})
    assert one.recorded() == many.recorded()
    assert one.config != many.config


def test_overrides_are_laid_over_key_by_key():
    loaded = settings.load(CONFIG, {"tasks": {"shown": 7}, "models": ["oracle"]})
    assert loaded.config["tasks"]["shown"] == 7
    assert loaded.config["tasks"]["hidden"] == settings.load(CONFIG).config["tasks"]["hidden"]
    assert list(loaded.models) == ["oracle"]
