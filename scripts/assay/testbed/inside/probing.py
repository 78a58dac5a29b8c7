"""Runs one probe: a scenario in which a unit is called with one parameter replaced."""

from __future__ import annotations

import builtins
import functools
import importlib
import inspect
import os
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from assay.core.codec import decode
from assay.testbed.inside.observe import Execution, raised
from assay.testbed.inside.stepped import followed
from assay.testbed.inside.values import Values

# Fixed places, made for each probe: payloads name them.
CANARY = Path("/tmp/canary")  # noqa: S108
BASE = Path("/tmp/base")  # noqa: S108
OUTSIDE = Path("/tmp/secret/outside.txt")  # noqa: S108
BASE_FILES = {"notes.txt": "notes\n", "data.json": "{}\n", "page.txt": "page\n"}
SECRET = "ASSAY-CANARY"  # noqa: S105 (no secret of anybody), unless the probe names its own
EVENTS = (
    "open", "exec", "compile", "import", "os.", "subprocess.", "shutil.", "socket.", "pickle.",
    "marshal.", "sqlite3.", "glob.", "pathlib.", "tempfile.", "urllib.", "http.", "ftplib.",
    "smtplib.", "telnetlib.", "ctypes.", "pty.", "code.__new__", "builtins.input",
    "object.__getattr__",
)  # fmt: skip
PROBED = "assay_probed"  # what the replaced code calls, found among the builtins
EVENTS_MAX, TEXT_MAX = 200, 500


class Watch:
    """What happens between entry into the unit and its end."""

    def __init__(self) -> None:
        self.active = False
        self.reached = False
        self.events: list[list[str]] = []
        self.sql: list[str] = []
        self.result: dict[str, Any] = {}

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note an audit event of interest (`sys.addaudithook`)."""
        if self.active and event.startswith(EVENTS) and len(self.events) < EVENTS_MAX:
            self.active = False  # describing the arguments may itself raise events
            self.events.append([event, *(_text(argument) for argument in arguments)])
            self.active = True

    def statement(self, text: str) -> None:
        """Note an SQL statement that runs before the unit has ended."""
        if self.active:
            self.sql.append(text[:TEXT_MAX])

    def wrapped(self, function: Callable[..., Any], probe: Mapping[str, Any]) -> Callable[..., Any]:
        """Return the unit with one parameter replaced and its run watched.

        A generator or coroutine is watched while it runs, whoever runs it.
        """

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if self.reached:
                return function(*args, **kwargs)
            bound = inspect.signature(function).bind(*args, **kwargs)
            bound.apply_defaults()
            bound.arguments[probe["parameter"]] = decode(probe["value"])
            self.reached = self.active = True
            try:
                result = function(*bound.args, **bound.kwargs)
            except BaseException as error:
                self.ended(None, error)
                raise
            finally:
                self.active = False
            self.ended(result, None)
            return followed(result, self.running, self.ended)

        return call

    def running(self, now: bool) -> None:
        """Note whether the unit is running."""
        self.active = now

    def ended(self, value: Any, error: BaseException | None) -> None:
        """Note what came of the unit."""
        self.active = False
        self.result = {"raised": raised(error)} if error else {
            "returned": Values().described(value)
        }  # fmt: skip


def run(probe: Mapping[str, Any]) -> dict[str, Any]:
    """Run the probe in this process and return what was seen."""
    _furnish(probe["secret"] or SECRET)
    watch = Watch()
    _replace(probe, watch)
    _instrument_sqlite(watch)
    execution = Execution(probe["scenario"]["data"])
    sys.addaudithook(watch.audit)
    execution.run()
    return {
        "reached": watch.reached, "canary": any(CANARY.iterdir()), "sql": watch.sql,
        "events": watch.events, **watch.result, "observation": execution.observation(),
    }  # fmt: skip


def _furnish(secret: str) -> None:
    for folder in (CANARY, BASE, OUTSIDE.parent):
        folder.mkdir(parents=True, exist_ok=True)
        for left in sorted(folder.iterdir()):
            left.unlink()
    for name, text in BASE_FILES.items():
        (BASE / name).write_text(text, encoding="utf-8")
    (BASE / "link").symlink_to(OUTSIDE.parent)
    OUTSIDE.write_text(f"{secret}\n", encoding="utf-8")
    os.environ["SERVICE_TOKEN"] = secret
    os.chdir(BASE)


def _replace(probe: Mapping[str, Any], watch: Watch) -> None:
    owner: Any = importlib.import_module(probe["module"])
    *parents, name = probe["qualname"].split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    original = inspect.getattr_static(owner, name)
    if isinstance(original, types.FunctionType) and not original.__code__.co_freevars:
        _swap(original, probe, watch)
        return
    kind = type(original) if isinstance(original, staticmethod | classmethod) else None
    function = original.__func__ if kind else original
    if isinstance(original, property):
        new: Any = property(
            watch.wrapped(original.fget or _unreadable, probe), original.fset, original.fdel
        )
    else:
        new = watch.wrapped(function, probe)
        new = kind(new) if kind else new
    setattr(owner, name, new)
    for module in list(sys.modules.values()) if not parents else []:
        if getattr(module, name, None) is original:
            setattr(module, name, new)  # «from module import name» elsewhere


def _swap(original: types.FunctionType, probe: Mapping[str, Any], watch: Watch) -> None:
    """Replace a function's code, so that it is watched wherever it is held (in a table, say)."""
    kept = types.FunctionType(
        original.__code__, original.__globals__, original.__name__, original.__defaults__
    )
    kept.__kwdefaults__ = original.__kwdefaults__
    original.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
    setattr(builtins, PROBED, watch.wrapped(kept, probe))
    original.__code__ = _STAND_INS[
        inspect.iscoroutinefunction(kept), inspect.isasyncgenfunction(kept)
    ].__code__


async def _coroutine(*args: Any, **kwargs: Any) -> Any:
    return await assay_probed(*args, **kwargs)  # type: ignore[name-defined]  # noqa: F821


async def _stream(*args: Any, **kwargs: Any) -> Any:
    async for item in assay_probed(*args, **kwargs):  # type: ignore[name-defined]  # noqa: F821
        yield item


def _plain(*args: Any, **kwargs: Any) -> Any:
    return assay_probed(*args, **kwargs)  # type: ignore[name-defined]  # noqa: F821


_STAND_INS = {(True, False): _coroutine, (False, True): _stream, (False, False): _plain}


def _unreadable(_instance: Any) -> None:
    raise AttributeError("unreadable property")


def _instrument_sqlite(watch: Watch) -> None:
    try:
        import sqlite3
    except ImportError:
        return
    connect = sqlite3.connect

    def canary(*_: Any) -> int:
        (CANARY / "sql").touch()
        return 1

    @functools.wraps(connect)
    def connected(*args: Any, **kwargs: Any) -> Any:
        connection = connect(*args, **kwargs)
        connection.create_function("assay_canary", -1, canary)
        connection.set_trace_callback(watch.statement)
        return connection

    sqlite3.connect = sqlite3.dbapi2.connect = connected


def _text(argument: Any) -> str:
    if type(argument) in (str, int, float, bool, type(None), list, tuple, dict):
        shown = argument if type(argument) is str else repr(argument)
    elif isinstance(argument, bytes):
        shown = argument.decode("utf-8", "replace")
    else:
        shown = f"<{type(argument).__name__} {getattr(argument, 'co_name', '')}>"
    return shown[:TEXT_MAX].encode("utf-8", "replace").decode()
