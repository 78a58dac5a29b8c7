"""The task set of a publication as Croissant 1.0 metadata, so that dataset tools can read it.

Standard: https://docs.mlcommons.org/croissant/docs/croissant-spec.html. Keys are described too:
who publishes them gives the answers away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import mlcroissant as mlc

TEXT, WHOLE, TRUTH, REAL = (
    mlc.DataType.TEXT, mlc.DataType.INTEGER, mlc.DataType.BOOL, mlc.DataType.FLOAT,
)  # fmt: skip
TYPES = {"string": TEXT, "bool": TRUTH, "int64": WHOLE, "int32": WHOLE, "double": REAL}
PARQUET = "application/x-parquet"


def described(
    manifest: Mapping[str, Any], tables: Mapping[str, Mapping[str, str]], published: datetime
) -> dict[str, Any]:
    """Return the metadata of tables that a publication holds.

    tables: path in the publication -> column -> its Arrow type; lists are told by `list<…>`
    Raises ValueError if Croissant's own check finds a mistake.
    """
    digests = {f"results/{entry['path']}": entry["sha256"] for entry in manifest["files"]}
    sources = manifest["inputs"]["sources"]
    licences = sorted({one["licence"]["spdx"] or "unknown" for one in sources.values()})
    meta = mlc.Metadata(
        name=manifest["run"],
        description=f"Tasks made by Assay from {', '.join(sorted(sources))}, proven by execution",
        url=f"urn:assay:run:{manifest['run']}", version="1.0.0", date_published=published,
        license=licences, cite_as="The Assay developers: Assay, proven evaluations of local "
        "language models, made from one real codebase",
        distribution=[
            mlc.FileObject(
                id=path, name=path, content_url=path, encoding_formats=[PARQUET],
                sha256=digests[path],
            )
            for path in sorted(tables)
        ],
        record_sets=[_records(path, columns) for path, columns in sorted(tables.items())],
    )  # fmt: skip
    if meta.issues.errors:
        raise ValueError("; ".join(sorted(meta.issues.errors)))
    found: dict[str, Any] = meta.to_json()
    return found


def _records(path: str, columns: Mapping[str, str]) -> mlc.RecordSet:
    name = path.removesuffix(".parquet").replace("/", "_")
    return mlc.RecordSet(id=name, name=name, fields=list(_fields(name, path, columns)))


def _fields(name: str, path: str, columns: Mapping[str, str]) -> Iterator[mlc.Field]:
    for column, kind in columns.items():
        inner = kind.removeprefix("list<element: ").removesuffix(">")
        yield mlc.Field(
            id=f"{name}/{column}", name=column, data_types=[TYPES[inner]], repeated=inner != kind,
            source=mlc.Source(file_object=path, extract=mlc.Extract(column=column)),
        )  # fmt: skip
