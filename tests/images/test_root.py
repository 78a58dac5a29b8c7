"""Unpacking and laying out: what maintainer scripts would have made, and in which order."""

from __future__ import annotations

import os
import stat

import pytest

from assay.core.errors import HarnessError, UserError
from assay.images.root import even_out_modes, lay_out
from assay.images.store import tree_digest
from assay.images.unpack import unpack_packages

from .conftest import make_deb


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    lay_out(folder)
    return folder


def test_packages_are_unpacked_in_order_so_that_the_last_one_wins(tmp_path, root):
    first = make_deb(tmp_path, "first", {"usr/share/a": "first", "usr/share/b": "first"})
    second = make_deb(tmp_path, "second", {"usr/share/a": "second", "usr/share/c": "-> a"})
    unpack_packages([first, second], root)
    assert (root / "usr/share/a").read_text() == "second"
    assert (root / "usr/share/b").read_text() == "first"
    assert (root / "usr/share/c").readlink().as_posix() == "a"
    unpack_packages([first], root)
    assert (root / "usr/share/a").read_text() == "first"


def test_files_below_merged_folders_go_through_the_links(tmp_path, root):
    unpack_packages([make_deb(tmp_path, "old", {"bin/tool": "x", "lib/l.so": "y"})], root)
    assert (root / "bin").is_symlink()
    assert (root / "usr/bin/tool").read_text() == "x"
    assert (root / "usr/lib/l.so").read_text() == "y"


def test_no_maintainer_script_runs(tmp_path, root):
    deb = make_deb(tmp_path, "loud", {"usr/x": "x", "DEBIAN/postinst": "#!/bin/sh\nexit 1\n"})
    unpack_packages([deb], root)
    assert (root / "usr/x").exists()


def test_a_torn_package_stops_the_build(tmp_path, root):
    deb = make_deb(tmp_path, "torn", {"usr/x": "x" * 100_000})
    deb.write_bytes(deb.read_bytes()[:-200])
    with pytest.raises(HarnessError, match=r"torn_1_all\.deb"):
        unpack_packages([deb], root)


def test_without_dpkg_deb_it_is_said_what_to_do(tmp_path, root, monkeypatch):
    deb = make_deb(tmp_path, "some", {"usr/x": "x"})
    monkeypatch.setitem(unpack_packages.__globals__["CLEAN"], "PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"dpkg-deb is missing(.|\n)*copy the folder `images`"):
        unpack_packages([deb], root)


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_modes_do_not_depend_on_the_umask(tmp_path, umask):
    deb = make_deb(tmp_path, "some", {"usr/bin/run": "#!/bin/sh\n", "usr/share/data": "x"})
    before = os.umask(umask)
    try:
        root = tmp_path / "root"
        root.mkdir()
        lay_out(root)
        unpack_packages([deb], root)
        (root / "usr/bin/run").chmod(0o4700)
        even_out_modes(root)
    finally:
        os.umask(before)
    modes = {name: stat.S_IMODE((root / name).stat().st_mode)
             for name in ("usr", "usr/bin/run", "usr/share/data", "tmp")}  # fmt: skip
    assert modes == {"usr": 0o755, "usr/bin/run": 0o755, "usr/share/data": 0o644, "tmp": 0o1777}


def test_the_tree_digest_sees_paths_modes_links_and_contents(tmp_path):
    def digest(change):
        root = tmp_path / change.__name__
        (root / "d").mkdir(parents=True)
        (root / "d/f").write_text("x")
        (root / "l").symlink_to("d/f")
        change(root)
        return tree_digest(root)

    def nothing(root): ...
    def time(root):
        os.utime(root / "d/f", (1, 1))

    def content(root):
        (root / "d/f").write_text("y")

    def mode(root):
        (root / "d/f").chmod(0o755)

    def name(root):
        (root / "d/f").rename(root / "d/g")

    def link(root):
        (root / "l").unlink(), (root / "l").symlink_to("d")

    def extra(root):
        (root / "d/e").mkdir()

    assert digest(time) == digest(nothing)
    changes = [nothing, content, mode, name, link, extra]
    assert len({tree_digest(tmp_path / c.__name__) if (tmp_path / c.__name__).exists()
                else digest(c) for c in changes}) == len(changes)  # fmt: skip
