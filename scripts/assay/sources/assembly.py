"""Building a tree out of members that nobody vouches for."""

from __future__ import annotations

import posixpath

from assay.core.errors import UserError
from assay.sources.tree import FOLDER, LINK, Entry, Tree, decoded, encoded, shown

MAX_MEMBERS = 200_000
MAX_LINKS = 40
# Bytes of a name, and of a whole path or link: what file systems take, with room for a prefix.
MAX_NAME, MAX_PATH = 255, 1024
_HINT = "take another file or commit: a source that needs this can't be unpacked safely"


class Assembly:
    """Collects members one by one and refuses what can't stand in a canonical tree.

    where: what the members come from, for messages
    limit: bytes that all files together may have
    """

    def __init__(self, where: object, limit: int) -> None:
        self.where, self.limit = where, limit
        self.left = limit
        self._tree: dict[str, Entry] = {}

    def take(self, size: int) -> None:
        """Count bytes against the limit; raise UserError when it is passed."""
        self.left -= size
        if self.left < 0:
            raise UserError(
                "the source unpacks to more than the limit", where=self.where,
                expected=f"at most {self.limit} bytes",
                hint="a zip bomb unpacks endlessly; if the source is right and really that "
                "large, raise source.max_unpacked_mb of the target",
            )  # fmt: skip

    def add(self, name: str, mode: int, data: bytes = b"") -> None:
        """Add a member under the name that the source gives it.

        Raises UserError for a name that is absolute, holds `..` or repeats.
        """
        path = self.safe_name(name)
        if not path and mode == FOLDER:
            return
        if not path:
            raise self.refusal("the source holds a file without a name", name)
        present = self._tree.get(path)
        if present and not mode == present.mode == FOLDER:
            raise self.refusal("the source holds the same name twice", name)
        self._tree[path] = Entry(mode, data)
        self._check_count(self._tree, name)

    def find(self, name: str) -> Entry | None:
        """Return a member added before, by the name that the source gives it."""
        return self._tree.get(self.safe_name(name))

    def tree(self, *, strip: bool) -> dict[str, Entry]:
        """Return the finished tree, with every folder in it.

        strip: drop the one top-level folder of a source archive
        Raises UserError for a link that leaves the root, a name that is both file and folder.
        """
        tree = self._with_folders()
        if strip:
            tree = _stripped(tree)
        for path in sorted(tree):
            if tree[path].mode == LINK:
                self._check_link(tree, path)
        return tree

    def safe_name(self, name: str) -> str:
        """Return the name without `.` and doubled slashes; raise UserError for an unsafe one."""
        if len(name) > 2 * MAX_PATH:
            raise self.refusal(f"the source holds a name of over {MAX_PATH} bytes", name[:MAX_NAME])
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/"):
            raise self.refusal("the source holds an absolute name", name)
        if ".." in parts or "\0" in name:
            raise self.refusal("the source holds a name that leaves its root", name)
        if any(part.lower() == ".git" for part in parts):
            raise self.refusal("the source holds git's own folder", name)
        path = "/".join(parts)
        if len(encoded(path)) > MAX_PATH or any(len(encoded(part)) > MAX_NAME for part in parts):
            what = f"the source holds a name of over {MAX_NAME} bytes, or {MAX_PATH} in all"
            raise self.refusal(what, name)
        return path

    def refusal(self, what: str, name: str) -> UserError:
        """Return the error for a member that can't be taken."""
        return UserError(what, where=self.where, given=shown(name), hint=_HINT)

    def _check_count(self, tree: Tree, name: str) -> None:
        if len(tree) > MAX_MEMBERS:
            raise self.refusal(f"the source has more than {MAX_MEMBERS} members", name)

    def _with_folders(self) -> dict[str, Entry]:
        tree = dict(self._tree)
        for path in self._tree:
            parent = posixpath.dirname(path)
            while parent:
                if tree.setdefault(parent, Entry(FOLDER)).mode != FOLDER:
                    raise self.refusal("the source uses a name as file and as folder", parent)
                self._check_count(tree, parent)
                parent = posixpath.dirname(parent)
        return tree

    def _check_link(self, tree: Tree, path: str) -> None:
        # A link may pass through other links, so names are followed one part at a time.
        target = decoded(tree[path].data)
        if not target or "\0" in target or len(tree[path].data) > MAX_PATH:
            raise self.refusal("a link leads to no possible name", f"{path} -> {target[:MAX_NAME]}")
        pending = _parts(target)
        place = posixpath.dirname(path).split("/") if "/" in path else []
        followed = 0
        while pending:
            part = pending.pop(0)
            if part == "/" or (part == ".." and not place):
                raise self.refusal("a link leaves the source's root", f"{path} -> {target}")
            if part == "..":
                place.pop()
                continue
            place.append(part)
            entry = tree.get("/".join(place))
            if entry and entry.mode == LINK and followed < MAX_LINKS:
                followed += 1
                place.pop()
                pending = _parts(decoded(entry.data)) + pending


def _parts(target: str) -> list[str]:
    parts = [part for part in target.split("/") if part not in ("", ".")]
    return ["/", *parts] if target.startswith("/") else parts


def _stripped(tree: dict[str, Entry]) -> dict[str, Entry]:
    tops = sorted({path.split("/")[0] for path in tree})
    # A folder that is itself a package is content, not the wrapping of an archive.
    wrapped = (
        len(tops) == 1
        and tree[tops[0]].mode == FOLDER
        and not (tops[0].isidentifier() and f"{tops[0]}/__init__.py" in tree)
        and not tops[0].endswith(".dist-info")
    )
    if not wrapped:
        return tree
    prefix = f"{tops[0]}/"
    return {path.removeprefix(prefix): entry for path, entry in tree.items() if path != tops[0]}
