"""Runs what a call returns, if that is a generator or a coroutine, and tells when it is running."""

from __future__ import annotations

import inspect
import types
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any

Running = Callable[[bool], None]
Ended = Callable[[Any, BaseException | None], None]


def followed(result: Any, running: Running, ended: Ended) -> Any:
    """Return what stands for the result of a call: itself, unless it has yet to be run.

    running: called with True before, and False after, each stretch in which it runs
    ended:   called with what a coroutine returned, or what it raised
    """
    if inspect.iscoroutine(result):
        return _finished(result, running, ended)
    if inspect.isasyncgen(result):
        return _streamed(result, running)
    return _stepped(result, running) if inspect.isgenerator(result) else result


async def _finished(inner: Any, running: Running, ended: Ended) -> Any:
    try:
        value = await _awaited(inner, running)
    except BaseException as error:
        ended(None, error)
        raise
    ended(value, None)
    return value


async def _streamed(inner: Any, running: Running) -> AsyncIterator[Any]:
    try:
        while True:
            try:
                item = await _awaited(inner.__anext__(), running)
            except StopAsyncIteration:
                return
            yield item
    finally:
        await inner.aclose()


@types.coroutine
def _awaited(inner: Any, running: Running) -> Generator[Any, Any, Any]:
    return (yield from _stepped(inner, running))


def _stepped(inner: Any, running: Running) -> Generator[Any, Any, Any]:
    """Run a generator, or anything with its `send` and `throw`, a step at a time."""
    given, error = None, None
    while True:
        running(True)
        try:
            item = inner.send(given) if error is None else inner.throw(error)
        except StopIteration as stop:
            return stop.value
        finally:
            running(False)
        given, error = None, None
        try:
            given = yield item
        except GeneratorExit:
            inner.close()
            raise
        except BaseException as thrown:  # noqa: BLE001 - it is handed on
            error = thrown
