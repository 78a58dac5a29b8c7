"""How right the check of names is: reports over real code, and the share of planted inventions.

Real code is the target's own source, its requirements' and the standard library's, and the
oracle's answers. Every report there is printed: it is false, or the name is really not there.
Planted: each site of a kind in that code is given a name that exists nowhere, all sites of a file
at once, whether or not the check could know what stands there.
"""

from __future__ import annotations

import argparse
import ast
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from common import ROOT, write

sys.path.insert(0, str(ROOT / "scripts"))

from assay.core.progress import say
from assay.core.records import API_INDEX, KEYS, RESPONSES, TASKS
from assay.core.tables import read_table
from assay.hallucinations import answers
from assay.hallucinations.api import Api
from assay.hallucinations.bindings import bindings
from assay.hallucinations.check import KINDS, Place, check
from assay.images.build import builder_tools
from assay.images.names import name_of, read_lock
from assay.images.pack import unpack_image
from assay.images.store import cache_root, image_file
from assay.mining.paths import module_name
from assay.sources.tree import read_members
from assay.testbed.introspection import python_files

MARK = "_invented_"
Key = tuple[str, str, str]  # origin, what is counted, kind


class Planter(ast.NodeTransformer):
    """Gives every site of one kind a name that exists nowhere; `planted` counts them."""

    def __init__(self, kind: str, imported: set[str]) -> None:
        self.kind, self.imported, self.planted = kind, imported, 0

    def mark(self, name: str) -> str:
        self.planted += 1
        return f"{name}{MARK}{self.planted}"

    def visit_Import(self, node: ast.Import) -> ast.AST:
        for alias in node.names:
            alias.name = self._imported(alias.name)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if node.module and not node.level and node.module != "__future__":
            node.module = self._imported(node.module)
        return node

    def _imported(self, name: str) -> str:
        head, dot, rest = name.partition(".")
        if self.kind == "package":
            return f"{self.mark(head)}{dot}{rest}"
        return self.mark(name) if self.kind == "module" and dot else name

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load) and isinstance(node.value, ast.Name):
            name = node.value.id
            if (self.kind == "member" and name == "self") or (
                self.kind == "attribute" and name in self.imported
            ):
                node.attr = self.mark(node.attr)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if self.kind == "keyword" and isinstance(node.func, ast.Name | ast.Attribute):
            keyword = ast.keyword(self.mark("option"), ast.Constant(1))
            node.keywords.append(ast.copy_location(keyword, node))
        return node


def files(target: str, source: Path) -> Iterator[tuple[str, str, bytes]]:
    """Yield origin, path and content of every Python file."""
    for path, data in read_members(source):
        if path.endswith(".py"):
            yield "target", path, data
    lock, cache = read_lock(ROOT, f"testbed-{target}"), cache_root()
    with tempfile.TemporaryDirectory() as folder:
        root, scratch = Path(folder) / "root", Path(folder) / "scratch"
        scratch.mkdir()
        image = image_file(cache, name_of(lock))
        unpack_image(image, root, builder_tools(cache, lock, scratch))
        for path, entry in sorted(python_files(root).items()):
            origin, _, inside = path.partition("/")
            yield origin, inside, entry.data


def measure(api: Api, origin: str, where: str, text: str, place: Place) -> Counter[Key]:
    """Count the reports over a piece of code, the sites planted in it, and those found."""
    counts: Counter[Key] = Counter()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # templates and files for other versions
        return counts
    counts[origin, "pieces", ""] += 1
    for one in check(tree, api, place):
        say(f"report: {origin} {where}:{one.line} {one.kind} {one.name}")
        counts[origin, "reports", one.kind] += 1
    bound = bindings(tree).found.items()
    imported = {name for name, how in bound if how and how[0] in {"import", "from"}}
    for kind in KINDS:
        planter = Planter(kind, imported)
        changed = planter.visit(ast.parse(text))
        counts[origin, "planted", kind] += planter.planted
        names = {one.name for one in check(changed, api, place) if MARK in one.name}
        counts[origin, "found", kind] += len({name.rpartition(MARK)[2] for name in names})
    return counts


def oracle(api: Api, run: Path, target: str) -> Iterator[tuple[str, str, Place]]:
    """Yield the code of the oracle's answers: task, text and place."""
    folder = run / f"select_tasks/{target}"
    tasks = {row["task_id"]: row for row in read_table(folder / "tasks.parquet", TASKS)}
    keys = {row["task_id"]: row for row in read_table(folder / "keys.parquet", KEYS)}
    for row in read_table(run / "run_model/oracle/responses.parquet", RESPONSES):
        name = row["task_id"]
        if row["target"] == target:
            for text, place in answers.pieces(row["response"], tasks[name], keys[name], api):
                yield name, text, place


def main() -> None:
    """Print the figures and write them as JSON."""
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--run", type=Path, required=True, help="folder of a run's results")
    command.add_argument("--target", default="cerberus")
    given = command.parse_args()
    api = Api(read_table(given.run / f"index_api/{given.target}/api_index.parquet", API_INDEX))
    counts: Counter[Key] = Counter()
    for task, text, place in oracle(api, given.run, given.target):
        counts += measure(api, "oracle", task, text, place)
    source = given.run / f"fetch_source/{given.target}/source.tar"
    for origin, path, data in files(given.target, source):
        if not {"test", "tests"} & set(path.split("/")):  # tests break rules on purpose
            place = Place(module_name(path, [""]), path.endswith("__init__.py"))
            counts += measure(api, origin, path, data.decode("utf-8", "replace"), place)
    figures = {
        origin: {
            "pieces": counts[origin, "pieces", ""],
            "reports": {kind: counts[origin, "reports", kind] for kind in KINDS},
            "found_of_planted": {
                kind: [counts[origin, "found", kind], counts[origin, "planted", kind]]
                for kind in KINDS
            },
        }
        for origin in ("oracle", "target", "requirement", "standard_library")
    }
    write("names", figures)


if __name__ == "__main__":
    main()
