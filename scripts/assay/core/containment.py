"""The check that every contained step makes first: the right image, and no network."""

from __future__ import annotations

import json
from pathlib import Path

from assay.core.errors import UserError

MARKER = Path("/etc/assay-image.json")
INTERFACES = Path("/proc/net/dev")


def require_contained(image: str, marker: Path = MARKER, interfaces: Path = INTERFACES) -> None:
    """Raise UserError unless this process runs in `image` with loopback as its only interface."""
    hint = (
        "run through Snakemake with the project's own profile (profiles/default), "
        "which starts each step in its container"
    )
    try:
        found = json.loads(marker.read_text(encoding="utf-8"))["image"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            "this step refuses to run outside its container", where=marker, given=error,
            expected=f"the marker of image {image}", hint=hint,
        ) from error  # fmt: skip
    if found != image:
        raise UserError(
            "this step runs in the wrong image", where=marker, given=found, expected=image,
            hint=hint,
        )  # fmt: skip
    extra = sorted(set(network_interfaces(interfaces)) - {"lo"})
    if extra:
        raise UserError(
            "this step refuses to run where a network interface exists", where=interfaces,
            given=", ".join(extra), expected="lo only", hint=hint,
        )  # fmt: skip


def network_interfaces(listing: Path = INTERFACES) -> list[str]:
    """Return the interface names of this network namespace, from Linux' /proc/net/dev."""
    lines = listing.read_text(encoding="ascii").splitlines()[2:]
    return [line.partition(":")[0].strip() for line in lines]
