"""Whether this process may use a network: never while it works from a bundle (`make … BUNDLE=`)."""

from __future__ import annotations

import os

from assay.core.errors import UserError

VARIABLE = "ASSAY_BUNDLE"


def bundle() -> str:
    """Return the bundle that this run works from, as it was named; empty where there is none."""
    return os.environ.get(VARIABLE, "")


def require_network(what: str) -> None:
    """Raise UserError if `what` would have to be fetched although the run works from a bundle."""
    if bundle():
        raise UserError(
            "neither the cache nor the bundle holds what this run needs, and a run from a bundle "
            "asks no network", where=bundle(), given=what,
            hint="make the bundle anew, where there is a network, from this checkout and for this "
            "config (`make bundle CONFIG=… TO=…`); to fetch it from here, leave BUNDLE out",
        )  # fmt: skip
