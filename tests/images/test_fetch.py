from __future__ import annotations

import os

import pytest

from assay.core.errors import UserError
from assay.images import apt
from assay.images.fetch import fetch_group, fetch_packages, fetch_wheels

from .conftest import deb_entry, make_deb, make_wheel, wheel_entry


@pytest.fixture
def archive(tmp_path):
    folder = tmp_path / "archive"
    (folder / "pool").mkdir(parents=True)
    return folder


@pytest.fixture
def entries(archive):
    """Ten packages: more than are fetched in one go."""
    files = [make_deb(archive / "pool", f"made{i}", {f"usr/{i}": str(i)}) for i in range(10)]
    return [deb_entry(file, archive) for file in files]


def contents(cache):
    return sorted(path.name for path in (cache / "packages").iterdir())


def test_packages_come_in_their_order_and_stay_for_a_second_run_offline(
    tmp_path, archive, entries, use_mirror
):
    use_mirror(archive)
    shuffled = entries[::-1]
    files = fetch_packages(tmp_path / "cache", shuffled)
    expected = [f"{entry['sha256']}.deb" for entry in shuffled]
    assert [file.name for file in files] == expected
    assert contents(tmp_path / "cache") == sorted(expected)
    use_mirror(None)
    assert fetch_packages(tmp_path / "cache", shuffled) == files


@pytest.mark.parametrize("form", ["a folder", "an address"])
def test_a_version_that_the_mirror_has_dropped_comes_from_an_archive_by_digest(
    form, tmp_path, archive, use_mirror, monkeypatch
):
    old = tmp_path / "old"
    (old / "pool").mkdir(parents=True)
    kept = deb_entry(make_deb(archive / "pool", "kept", {"usr/k": "1"}), archive)
    dropped = deb_entry(make_deb(old / "pool", "dropped", {"usr/d": "1"}), old)
    # An archive that has other bytes under the same name is passed over.
    wrong = tmp_path / "wrong"
    (wrong / "pool").mkdir(parents=True)
    make_deb(wrong / "pool", "dropped", {"usr/d": "2"})
    use_mirror(archive)
    named = [str(one) if form == "a folder" else one.as_uri() + "/" for one in (wrong, old)]
    monkeypatch.setenv("ASSAY_PACKAGE_ARCHIVES", " ".join(named))
    files = fetch_packages(tmp_path / "cache", [dropped, kept])
    assert [file.name for file in files] == [f"{e['sha256']}.deb" for e in (dropped, kept)]
    assert not any(file.is_symlink() for file in files)  # the archive may be gone tomorrow
    monkeypatch.setenv("ASSAY_PACKAGE_ARCHIVES", named[0])
    with pytest.raises(UserError, match="dropped 1"):
        fetch_packages(tmp_path / "other", [dropped, kept])


def test_a_version_that_no_mirror_holds_is_named_and_never_replaced(
    tmp_path, archive, entries, use_mirror
):
    make_deb(archive / "pool", "newer", {"usr/n": "2"}, "2")
    lost = {"name": "newer", "version": "1", "path": "pool/newer_1_all.deb", "sha256": "0" * 64}
    use_mirror(archive)
    with pytest.raises(UserError) as error:
        fetch_packages(tmp_path / "cache", [*entries, lost])
    text = str(error.value)
    assert "newer 1" in text
    assert "made" not in error.value.details["where"]
    assert "make relock" in text
    assert "snapshot" in text
    assert "ASSAY_PACKAGE_ARCHIVES" in text
    # Nothing but what was locked, and no folder of a half-done fetch.
    assert set(contents(tmp_path / "cache")) <= {f"{entry['sha256']}.deb" for entry in entries}


def test_a_package_of_another_digest_is_refused(tmp_path, archive, entries, use_mirror):
    use_mirror(archive)
    wrong = entries[0] | {"sha256": "0" * 64}
    with pytest.raises(UserError, match=r"made0 1(.|\n)*Hash Sum mismatch"):
        fetch_packages(tmp_path / "cache", [wrong])
    assert contents(tmp_path / "cache") == []


def test_a_damaged_package_in_the_cache_is_fetched_again(tmp_path, archive, entries, use_mirror):
    use_mirror(archive)
    (file,) = fetch_packages(tmp_path / "cache", entries[:1])
    good = file.read_bytes()
    file.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    assert fetch_packages(tmp_path / "cache", entries[:1]) == [file]
    assert file.read_bytes() == good
    file.write_bytes(b"")
    use_mirror(None)
    with pytest.raises(UserError, match="made0 1"):
        fetch_packages(tmp_path / "cache", entries[:1])


def test_wheels_stay_for_a_second_run_offline(tmp_path, use_mirror):
    wheel = make_wheel(tmp_path / "index", "greeting")
    use_mirror(None, tmp_path / "index")
    files = fetch_wheels(tmp_path / "cache", [wheel_entry(wheel)])
    assert [file.read_bytes() for file in files] == [wheel.read_bytes()]
    assert os.listdir(tmp_path / "cache/wheels") == [wheel_entry(wheel)["sha256"]]
    use_mirror(None)
    assert fetch_wheels(tmp_path / "cache", [wheel_entry(wheel)]) == files


def test_a_wheel_of_another_digest_is_refused(tmp_path, use_mirror):
    wheel = make_wheel(tmp_path / "index", "greeting")
    use_mirror(None, tmp_path / "index")
    with pytest.raises(UserError, match=r"locked wheels(.|\n)*(hash|HASH)"):
        fetch_wheels(tmp_path / "cache", [wheel_entry(wheel) | {"sha256": "0" * 64}])
    assert os.listdir(tmp_path / "cache/wheels") == []


def test_a_wheel_that_no_index_offers_is_named(tmp_path, offline):
    entry = {"name": "lost", "version": "1.0", "file": "lost-1.0-py3-none-any.whl"}
    with pytest.raises(UserError, match=r"lost==1\.0"):
        fetch_wheels(tmp_path / "cache", [entry | {"sha256": "0" * 64}])


def test_a_machine_without_apt_is_told_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"no apt(.|\n)*copy the folder `images`"):
        apt.mirrors()


def test_a_suite_that_no_mirror_offers_is_named(tmp_path, archive, use_mirror):
    use_mirror(archive)
    with pytest.raises(UserError, match="the suite woody"):
        apt.open_suite(tmp_path / "state", "woody")


def test_a_machine_without_sources_is_told(tmp_path, offline):
    with pytest.raises(UserError, match="no sources"):
        apt.open_suite(tmp_path / "state", "bookworm")


def test_wheels_are_fetched_for_the_python_that_a_group_names(tmp_path, use_mirror):
    plain = make_wheel(tmp_path / "index", "greeting")
    wheel = plain.rename(plain.with_name("greeting-1.0-cp312-cp312-manylinux_2_28_x86_64.whl"))
    use_mirror(None, tmp_path / "index")
    entry = wheel_entry(wheel)
    with pytest.raises(UserError, match="can't fetch locked wheels"):
        fetch_group(tmp_path / "cache", {"files": [entry]})
    (file,) = fetch_group(tmp_path / "cache", {"files": [entry], "python": "3.12"})
    assert file.name == wheel.name
