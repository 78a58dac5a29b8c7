"""Software hash identifiers (SWHID, ISO/IEC 18670) of a tree and a commit.

A directory's identifier is the id that git gives to a tree of that content. Unlike git, which
can't record them, a directory without content counts too, as the empty tree.
"""

from __future__ import annotations

import hashlib
from typing import Any

from assay.sources.tree import FOLDER, Entry, Tree, encoded

_Folder = dict[str, Any]  # name -> Entry | _Folder


def git_object_id(kind: str, data: bytes) -> str:
    """Return the hex id of a git object of that kind (`blob`, `tree`, `commit`)."""
    # SHA-1 names things here, as the standard has it; the tar's SHA-256 is what pins the bytes.
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()


def tree_id(tree: Tree) -> str:
    """Return git's tree id of the canonical tree (modes as they are in the entries)."""
    root: _Folder = {}
    for path, entry in tree.items():
        *parents, name = path.split("/")
        folder = root
        for parent in parents:
            folder = folder.setdefault(parent, {})
        if entry.mode == FOLDER:
            folder.setdefault(name, {})
        else:
            folder[name] = entry
    return _folder_id(root)


def directory(tree: Tree) -> str:
    """Return the SWHID of the tree's root directory."""
    return f"swh:1:dir:{tree_id(tree)}"


def revision(commit: str) -> str:
    """Return the SWHID of a git commit."""
    return f"swh:1:rev:{commit}"


def _folder_id(folder: _Folder) -> str:
    rows = []
    for name, item in folder.items():
        raw = encoded(name)
        if isinstance(item, Entry):
            rows.append((raw, item.mode, git_object_id("blob", item.data)))
        else:
            # Git sorts a folder as if its name ended with a slash.
            rows.append((raw + b"/", FOLDER, _folder_id(item)))
    content = b"".join(
        b"%o %s\0%s" % (mode, key.removesuffix(b"/"), bytes.fromhex(number))
        for key, mode, number in sorted(rows)
    )
    return git_object_id("tree", content)
