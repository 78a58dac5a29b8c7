"""Weights of several files: each in the cache by its own digest; a folder in the view."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import threading
from pathlib import Path

import pytest
import yaml

from assay.core import settings
from assay.core.errors import UserError
from assay.core.files import read_json, sha256_file, sha256_text
from assay.core.weights import digest_of, why_not
from assay.engines._pin import pin
from assay.engines._vllm_model import files_digest
from assay.engines._weights import receipt_of

ROOT = Path(__file__).parents[2]
REVISION = "0" * 40
FILES = {
    "config.json": "{}", "model-00001-of-00002.safetensors": "one",
    "model-00002-of-00002.safetensors": "two", "tokenizer.json": '{"a": 1}',
    "chat_template.jinja": "{{ x }}", "merges.txt": "a b",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path) -> Path:
    path = tmp_path / "snapshot"
    path.mkdir()
    for name, text in FILES.items():
        (path / name).write_text(text)
    return path


@pytest.fixture
def cache(tmp_path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def described(folder):
    """A pinned model file's content, by default with its files in the folder."""

    def make(**weights) -> dict:
        files = [
            {"file": path.name, "sha256": sha256_file(path), "size": path.stat().st_size}
            for path in sorted(folder.iterdir(), reverse=True)
        ]
        where = {} if "repository" in weights else {"path": str(folder)}
        return {
            "engine": "vllm",
            "weights": {
                "kind": "snapshot",
                "files": files,
                "licence": "MIT",
                **where,
                **weights,
            },
        }

    return make


def kept(cache: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (cache / "weights").iterdir()}


def test_each_file_is_kept_by_its_own_digest_and_the_receipt_names_them(described, cache, folder):
    model = described()
    receipt = receipt_of("m", model, cache)["weights"]
    assert kept(cache) == {sha256_text(text): text for text in FILES.values()}
    assert receipt["sha256"] == digest_of(model["weights"]) == files_digest(folder)
    assert receipt["size"] == sum(len(text) for text in FILES.values())
    assert [one["file"] for one in receipt["files"]] == sorted(FILES)
    assert digest_of(receipt) == receipt["sha256"]


def test_the_digest_moves_with_names_and_contents_and_not_with_the_order(described):
    files = described()["weights"]["files"]
    renamed = [{**files[0], "file": "other.txt"}, *files[1:]]
    changed = [{**files[0], "sha256": "0" * 64}, *files[1:]]
    told = [files, files[::-1], renamed, changed, files[1:]]
    digests = [digest_of({"files": one}) for one in told]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4


def test_what_is_in_the_cache_is_not_fetched_again_and_what_is_damaged_is(
    described, cache, folder, capsys
):
    model = described()
    receipt_of("m", model, cache)
    (cache / "weights" / sha256_text("one")).write_text("on!")
    for path in folder.iterdir():
        if path.name != "model-00001-of-00002.safetensors":
            path.unlink()
    receipt_of("m", model, cache)
    assert kept(cache) == {sha256_text(text): text for text in FILES.values()}
    assert "damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_text("tw"), ["cut short", "2 bytes"]),
        (lambda path: path.write_text("two."), ["too long"]),
        (lambda path: path.write_text("tvo"), ["sha256", "config/models/m.yaml"]),
        (lambda path: path.unlink(), ["can't read the weights"]),
    ],
)
def test_a_file_that_is_not_the_stated_one_is_named_and_the_others_stay(
    described, cache, folder, damage, words
):
    model = described()
    name = "model-00002-of-00002.safetensors"
    damage(folder / name)
    with pytest.raises(UserError) as caught:
        receipt_of("m", model, cache)
    assert all(word in str(caught.value) for word in [name, *words]), caught.value
    assert sha256_text("two") not in kept(cache)
    assert sha256_text("one") in kept(cache)
    (folder / name).write_text("two")
    receipt_of("m", model, cache)


class FakeHub(http.server.SimpleHTTPRequestHandler):
    """A fake of a model hub: serves a folder, and tells what it was asked."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.seen.append(self.path.rpartition("/")[2])
        super().do_GET()


@pytest.fixture
def hub(tmp_path, folder, monkeypatch):
    place = tmp_path / "hub" / "owner" / "name" / "resolve"
    place.mkdir(parents=True)
    shutil.copytree(folder, place / REVISION)
    handler = functools.partial(FakeHub, directory=str(tmp_path / "hub"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.seen = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield server
        server.shutdown()


def test_a_hub_is_asked_for_each_file_of_one_commit_and_goes_on_where_it_broke_off(
    described, cache, hub, tmp_path
):
    model = described(repository="owner/name", revision=REVISION)
    lost = tmp_path / "hub/owner/name/resolve" / REVISION / "tokenizer.json"
    lost.rename(tmp_path / "aside")
    with pytest.raises(UserError, match="can't fetch"):
        receipt_of("m", model, cache)
    assert hub.seen == sorted(FILES)
    (tmp_path / "aside").rename(lost)
    receipt_of("m", model, cache)
    assert hub.seen[len(FILES) :] == ["tokenizer.json"]


UNSAFE = {
    "../config.json": "plain name", "/etc/passwd.json": "plain name", "a/b.json": "plain name",
    "..": "plain name", "": "plain name", ".hidden.json": "plain name", "a b.json": "plain name",
    "pytorch_model.bin": "pickle", "a.pt": "pickle", "a.pth": "pickle", "modeling.py": "code",
    "model.gguf": "not one of", "README.md": "not one of",
}  # fmt: skip


@pytest.mark.parametrize(("name", "reason"), UNSAFE.items())
def test_a_name_that_is_not_safe_is_refused_before_anything_is_fetched(
    described, cache, name, reason
):
    assert reason in why_not(name)
    model = described()
    model["weights"]["files"].append({"file": name, "sha256": "0" * 64, "size": 1})
    with pytest.raises(UserError, match="no snapshot may hold"):
        receipt_of("m", model, cache)
    assert not cache.exists()


def loaded(tmp_path, content: dict) -> settings.Settings:
    place = tmp_path / "config"
    if not place.exists():
        shutil.copytree(ROOT / "config", place)
    base = yaml.safe_load((place / "models/smollm2-135m-vllm.yaml").read_text())
    (place / "models/s.yaml").write_text(yaml.safe_dump({**base, **content}))
    return settings.load(place, {"models": ["s"]})


def test_a_config_with_a_snapshot_is_read_and_each_mistake_in_it_is_told(tmp_path, described):
    good = described()
    assert loaded(tmp_path, good).models["s"]["weights"] == good["weights"]

    def refused(*words, engine="vllm", **weights):
        changed = {**good["weights"], **weights}
        changed = {name: value for name, value in changed.items() if value is not None}
        content = {"engine": engine, "weights": changed}
        if engine == "llamacpp":
            other = yaml.safe_load((ROOT / "config/models/smollm2-135m.yaml").read_text())
            content = {**other, "weights": changed}
        with pytest.raises(UserError) as caught:
            loaded(tmp_path, content)
        assert all(word in str(caught.value) for word in words), caught.value

    files = good["weights"]["files"]
    refused("missing key", "files", files=None)
    refused("from nowhere", path=None)
    refused("from nowhere", path=None, repository="owner/name")
    refused("named twice", "chat_template.jinja", files=[*files, files[-1]])
    refused("not whole", files=[one for one in files if one["file"] != "config.json"])
    refused("not whole", files=[one for one in files if "safetensors" not in one["file"]])
    refused("several files", sha256="0" * 64)
    refused("pickle", files=[*files, {"file": "a.bin", "sha256": "0" * 64, "size": 1}])
    refused("only a snapshot has files", kind="path", sha256="0" * 64, size=1)
    refused("loads one file", "engine: vllm", engine="llamacpp")


def test_the_view_shows_a_folder_of_the_files_and_rows_carry_the_digest_over_them(fake_run, task):
    run = fake_run([task(0, "slow one")], snapshot=FILES)
    status, said = run.run()
    assert status == 0, said
    content = read_json(run.telemetry / "fingerprint.json")
    assert content["fingerprint"]["weights"] == dict(sorted(FILES.items()))
    receipt = read_json(run.root / "receipt.json")["weights"]
    assert content["fingerprint"]["weights_sha256"] == digest_of(receipt)
    assert {row["fingerprint"] for row in run.rows()} == {content["id"]}


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_text("on"), "cut short"),
        (lambda path: path.write_text("onne"), "too long"),
        (lambda path: path.write_text("0ne"), "damaged"),
        (lambda path: path.unlink(), "not in the cache"),
    ],
)
def test_a_file_that_changed_since_it_was_fetched_is_told_by_its_name(
    fake_run, task, damage, words
):
    run = fake_run([task(0, "slow one")], snapshot=FILES)
    damage(run.root / sha256_text("one"))
    status, said = run.run()
    assert status == 2
    assert words in said
    assert "model-00001-of-00002.safetensors" in said


@pytest.fixture
def unpinned(tmp_path) -> Path:
    path = tmp_path / "m.yaml"
    path.write_text(
        "engine: vllm  # kept\nweights:\n  kind: snapshot\n  path: ~/there  # where\n"
        "  pin: required  # later\n  licence: MIT\nparameters: {}\n"
    )
    return path


def test_a_folder_is_pinned_file_by_file_and_what_is_left_out_is_told(
    unpinned, folder, cache, capsys
):
    for name in ("README.md", "pytorch_model.bin", "modeling.py", "consolidated.safetensors"):
        (folder / name).write_text("x")
    (folder / "empty.json").write_text("")
    (folder / "original").mkdir()
    pin(unpinned, folder)
    text = unpinned.read_text()
    assert text.startswith("engine: vllm  # kept\n")
    weights = yaml.safe_load(text)["weights"]
    assert [one["file"] for one in weights["files"]] == sorted(FILES)
    assert weights["path"] == str(folder)
    assert "pin" not in weights
    assert digest_of(weights) == receipt_of("m", {"engine": "vllm", "weights": weights}, cache)[
        "weights"
    ]["sha256"]  # fmt: skip
    said = capsys.readouterr().err
    for name in ("README.md", "pytorch_model.bin (a pickle", "modeling.py (code", "empty.json",
                 "consolidated.safetensors (the same weights", "original (a folder)"):  # fmt: skip
        assert f"left out: {name}" in said
    with pytest.raises(UserError, match="does not ask to be pinned"):
        pin(unpinned, folder)
    assert unpinned.read_text() == text


def test_shards_are_those_of_the_index_and_a_missing_one_is_told(unpinned, folder):
    names = [name for name in FILES if name.endswith("safetensors")]
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": dict(zip("ab", names, strict=True))}))
    (folder / "adapter.safetensors").write_text("x")
    before = unpinned.read_text()
    (folder / names[1]).rename(folder / "aside")
    with pytest.raises(UserError, match=r"not whole(.|\n)*model-00002"):
        pin(unpinned, folder)
    assert unpinned.read_text() == before
    (folder / "aside").rename(folder / names[1])
    pin(unpinned, folder)
    listed = [one["file"] for one in yaml.safe_load(unpinned.read_text())["weights"]["files"]]
    assert listed == sorted([*FILES, index.name])


def test_a_folder_that_is_none_or_holds_no_model_is_refused(unpinned, folder, tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        pin(unpinned, folder / "config.json")
    with pytest.raises(UserError, match="no such folder"):
        pin(unpinned, tmp_path / "nowhere")
    (folder / "config.json").unlink()
    with pytest.raises(UserError, match="not whole"):
        pin(unpinned, folder)


def test_a_run_of_an_unpinned_snapshot_is_refused_with_the_command_that_pins_it(tmp_path):
    weights = {"kind": "snapshot", "path": "~/there", "pin": "required", "licence": "MIT"}
    with pytest.raises(UserError, match="make pin MODEL=s FILE=<the folder>"):
        loaded(tmp_path, {"weights": weights})
