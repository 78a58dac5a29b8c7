"""Archives from a package index: a folder in the index's own form, or one served on loopback."""

import hashlib

import pytest

from assay.core.errors import UserError
from assay.sources.index import Index, pip_settings, redacted

DATA = b"not really an archive"
SPEC = {
    "package": "De.Mo", "version": "1.0", "file": "de_mo-1.0.tar.gz",
    "sha256": hashlib.sha256(DATA).hexdigest(),
}  # fmt: skip


def publish(folder, *names, digest=SPEC["sha256"], data=DATA):
    page = folder / "simple" / "de-mo" / "index.html"
    page.parent.mkdir(parents=True)
    (folder / "files").mkdir()
    rows = [f'<a href="../../files/{n}#sha256={digest}">{n}</a>' for n in names]
    page.write_text(f"<!DOCTYPE html><html><body>{''.join(rows)}</body></html>")
    for name in names:
        (folder / "files" / name).write_bytes(data)


def got(settings, **changes):
    return b"".join(Index(settings).chunks(SPEC | changes))


def refusal(settings, **changes):
    with pytest.raises(UserError) as caught:
        got(settings, **changes)
    assert caught.value.details["where"]
    return caught.value


def test_a_served_index(http):
    publish(http.folder, SPEC["file"], "de_mo-2.0.tar.gz")
    assert got({"index-url": f"{http.address}/simple/"}) == DATA
    assert http.asked == ["/simple/de-mo/", f"/files/{SPEC['file']}"]


def test_an_index_that_is_a_folder(tmp_path):
    publish(tmp_path / "an index", SPEC["file"])
    assert got({"index-url": (tmp_path / "an index" / "simple").as_uri()}) == DATA


def test_the_extra_index_is_asked_too(tmp_path, http):
    publish(tmp_path / "extra", SPEC["file"])
    settings = {"index-url": f"{http.address}/simple/",
                "extra-index-url": (tmp_path / "extra" / "simple").as_uri()}  # fmt: skip
    assert got(settings) == DATA


def test_linked_folders_come_first_and_need_no_index(tmp_path):
    (tmp_path / SPEC["file"]).write_bytes(DATA)
    settings = {"no-index": "true", "find-links": f"/nowhere {tmp_path}"}
    assert got(settings) == DATA
    assert got(settings | {"find-links": tmp_path.as_uri()}) == DATA


def test_a_linked_file_of_another_digest_is_named(tmp_path):
    (tmp_path / SPEC["file"]).write_bytes(b"other")
    error = refusal({"no-index": "true", "find-links": str(tmp_path)})
    assert "sha256 differs" in error.what
    assert error.details["given"] == hashlib.sha256(b"other").hexdigest()
    assert error.details["expected"] == SPEC["sha256"]


def test_a_listed_digest_that_differs_is_refused_before_the_download(http):
    publish(http.folder, SPEC["file"], digest="0" * 64)
    error = refusal({"index-url": f"{http.address}/simple/"})
    assert "sha256 differs" in error.what
    assert error.details["given"] == "0" * 64
    assert not [path for path in http.asked if path.startswith("/files")]


def test_a_file_or_project_that_is_not_listed(http):
    publish(http.folder, "de_mo-1.0-py3-none-any.whl", "de_mo-2.0.tar.gz")
    settings = {"index-url": f"{http.address}/simple/"}
    error = refusal(settings)
    assert "does not list" in error.what
    assert error.details["given"] == "De.Mo 1.0: de_mo-1.0.tar.gz"
    assert error.details["expected"] == "de_mo-1.0-py3-none-any.whl"
    assert "source.archive.path" in error.details["hint"]
    assert "a project and version" in refusal(settings, package="other").details["expected"]


def test_without_an_index_nothing_is_asked():
    assert Index({"no-index": "1"}).indexes == []
    assert "pip's settings" in refusal({"no-index": "1"}).details["where"]


def test_an_index_that_cannot_be_reached_or_read(monkeypatch, http, tmp_path):
    monkeypatch.setattr("assay.sources.index.RETRIES", 0)
    error = refusal({"index-url": "http://me:secret@127.0.0.1:9/simple/"})
    assert "can't fetch" in error.what
    assert error.details["where"] == "http://127.0.0.1:9/simple/"
    assert "secret" not in str(error)
    page = http.folder / "simple" / "de-mo" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(
        '<html><head><meta name="pypi:repository-version" content="99.0"></head></html>'
    )
    assert "99.0" in str(refusal({"index-url": f"{http.address}/simple/"}))
    page.write_bytes(b"\xff")
    assert "can't fetch" in refusal({"index-url": (http.folder / "simple").as_uri()}).what


def test_a_refused_download_does_not_show_the_password(monkeypatch, http):
    monkeypatch.setattr("assay.sources.index.RETRIES", 0)
    publish(http.folder, SPEC["file"])
    http.denied = "/files/"
    error = refusal({"index-url": http.address.replace("//", "//me:secret@") + "/simple/"})
    assert "401" in str(error)
    assert "secret" not in str(error)


def test_the_settings_are_pips_own(monkeypatch, tmp_path):
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = http://global.example/\nno-index = no\n"
        "[install]\nindex-url = http://install.example/\nfind-links =\n    /a\n    /b\n"
    )
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    found = pip_settings()
    assert found["index-url"] == "http://install.example/"
    assert found["find-links"].split() == ["/a", "/b"]
    monkeypatch.setenv("PIP_INDEX_URL", "http://environment.example/")
    assert pip_settings()["index-url"] == "http://environment.example/"


@pytest.mark.parametrize(("text", "shown"), [
    ("https://me:p@ss@host/r?x=a@b", "https://host/r?x=a@b"),
    ("https://token@host", "https://host"),
    ("fatal: 'https://a:b@h/r/': no\nssh://git@h/r", "fatal: 'https://h/r/': no\nssh://h/r"),
    ("git@host:owner/r", "git@host:owner/r"), ("/a/b@c", "/a/b@c"), ("https://[x", "https://[x"),
])  # fmt: skip
def test_addresses_are_shown_without_passwords(text, shown):
    assert redacted(text) == shown
