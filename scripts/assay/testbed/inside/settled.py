"""What a call comes to when it returns a coroutine or a generator: that is run to its end."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

ITEMS_MAX = 256  # items taken of a generator, which may have no end


@functools.cache
def _run() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Return what runs a coroutine: one event loop for the calls of a scenario.

    (Each scenario has a process of its own.) What an object binds to its loop in one call still
    works in the next. asyncio is imported when it is first needed: that takes two fifths of the
    harness' start, and most answers never need it.
    """
    import asyncio

    return asyncio.Runner().run


def settle(value: Any) -> tuple[Any, dict[str, Any]]:
    """Return what a call returned in the end, and how that came about.

    An awaitable is awaited, a generator (of either kind) is listed up
    to ITEMS_MAX items. The second value goes beside the result: {} for a plain value, else
    {"through": [kind, …]} and {"unfinished": true} if a generator had more to give. So a plain
    list is never taken for a generator's. Raises whatever the code raises.
    """
    through: list[str] = []
    if inspect.isawaitable(value):
        value = _run()(_awaited(value))
        through.append("coroutine")
    if inspect.isgenerator(value):
        through.append("generator")
        items = list(itertools.islice(value, ITEMS_MAX + 1))
        value.close()
    elif inspect.isasyncgen(value):
        through.append("async generator")
        items = _run()(_listed(value))
    else:
        return value, {"through": through} if through else {}
    rest = {"unfinished": True} if len(items) > ITEMS_MAX else {}
    return items[:ITEMS_MAX], {"through": through, **rest}


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value


async def _listed(items: AsyncIterator[Any]) -> list[Any]:
    found: list[Any] = []
    async for item in items:
        found.append(item)
        if len(found) > ITEMS_MAX:
            break
    return found
