"""Records how the target's tests use its public entry points, as literals.

Only what a test does itself is recorded (not calls that the target makes of its own entry
points), only on instances of exactly the entry's class, and only arguments made of exact
builtins; they are encoded before the call, since the call may change them.
"""

from __future__ import annotations

import functools
import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from assay.core.codec import NotEncodableError, encode
from assay.testbed.inside.observe import resolve
from assay.testbed.inside.tree import is_below, relative

SETTER = "__setattr__"
NOT_METHODS = (property, classmethod, staticmethod)
CALLS_MAX = 3  # longest sequence of calls that is kept as one scenario
TEXT_MAX = 20_000

Line = Callable[[dict[str, Any]], None]


class Recorder:
    """A pytest plug-in that wraps the entry points once the tests are collected."""

    def __init__(self, entries: Sequence[Mapping[str, Any]], test_paths: Sequence[str]) -> None:
        self.entries, self.test_paths = entries, tuple(test_paths)
        self.depth = 0
        self.test = ""
        self.uses: dict[int, dict[str, Any]] = {}
        self.found: dict[str, dict[str, Any]] = {}
        self.problems: dict[str, str] = {}

    def pytest_collection_finish(self) -> None:
        """Wrap every entry point."""
        for entry in self.entries:
            try:
                self._wrap(entry)
            except (AttributeError, ImportError, TypeError) as error:
                self.problems[entry["entry"]] = f"{type(error).__name__}: {error}"

    def _wrap(self, entry: Mapping[str, Any]) -> None:
        subject = resolve(entry["entry"])
        if isinstance(subject, type):
            self._wrap_class(entry, subject)
        elif "." in entry["entry"].partition(":")[2]:
            self._wrap_attribute(entry["entry"])
        else:
            self._wrap_function(entry["entry"], subject)

    @pytest.hookimpl(wrapper=True)  # type: ignore[untyped-decorator]
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        """Note which test runs; afterwards keep what it did."""
        self.test = item.nodeid
        result = yield
        for use in self.uses.values():
            self._keep(use)
        self.uses.clear()
        return result

    def finish(self, line: Line) -> None:
        """Report all that was recorded, and the entry points that are none."""
        for entry, text in sorted(self.problems.items()):
            line({"collect": f"the entry point {entry}", "text": text})
        for text, origin in sorted((text, found["origin"]) for text, found in self.found.items()):
            line({"recorded": {"data": json.loads(text), "origin": origin}})

    def _wrap_class(self, entry: Mapping[str, Any], subject: type) -> None:
        construct = subject.__init__  # type: ignore[misc]

        @functools.wraps(construct)
        def init(instance: Any, /, *args: Any, **kwargs: Any) -> None:
            if type(instance) is not subject or not self._from_test():
                self._inner(construct, instance, *args, **kwargs)
                return
            use = {"entry": entry, "init": _encoded(args, kwargs), "calls": [], "self": instance}
            self.uses[id(instance)] = use
            self._inner(construct, instance, *args, **kwargs)

        subject.__init__ = init  # type: ignore[misc]
        for name in entry.get("methods", ()):
            # A property is observed, a class or static method is an entry of its own.
            if isinstance(inspect.getattr_static(subject, name), NOT_METHODS):
                raise TypeError(f"{entry['entry']}: {name} is no method of its instances")
            self._wrap_method(subject, name)

    def _wrap_method(self, subject: type, name: str) -> None:
        original = getattr(subject, name)

        @functools.wraps(original)
        def call(instance: Any, /, *args: Any, **kwargs: Any) -> Any:
            use = self.uses.get(id(instance)) if self.depth == 0 else None
            if use is not None and self._from_test():
                use["calls"].append([name, _encoded(args, kwargs)])
            return self._inner(original, instance, *args, **kwargs)

        setattr(subject, name, call)

    def _wrap_attribute(self, entry: str) -> None:
        """Wrap a static or class method; what is called on a subclass is another use."""
        path, _, name = entry.rpartition(".")
        owner = resolve(path)
        kind = inspect.getattr_static(owner, name)
        if isinstance(kind, staticmethod):
            setattr(owner, name, staticmethod(self._recorded(entry, kind.__func__)))
        elif isinstance(kind, classmethod):
            setattr(owner, name, classmethod(self._recorded(entry, kind.__func__, owner)))
        else:
            raise TypeError(f"{entry}: an entry is a class, a function, a static or class method")

    def _recorded(
        self, entry: str, original: Callable[..., Any], owner: type | None = None
    ) -> Callable[..., Any]:
        """Return the function with its calls noted; `owner` is a class method's own class."""

        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            if self._from_test() and (owner is None or args[0] is owner):
                given = args if owner is None else args[1:]
                call = [["", _encoded(given, kwargs)]]
                self._keep({"entry": {"entry": entry}, "init": None, "calls": call})
            return self._inner(original, *args, **kwargs)

        return call

    def _wrap_function(self, entry: str, original: Callable[..., Any]) -> None:
        call = self._recorded(entry, original)
        for module in list(sys.modules.values()):
            for name, value in list(vars(module).items()):
                if value is original and relative(getattr(module, "__file__", None) or ""):
                    setattr(module, name, call)

    def _inner(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.depth += 1
        try:
            return function(*args, **kwargs)
        finally:
            self.depth -= 1

    def _from_test(self) -> bool:
        """Tell whether the code that called the wrapper is not the target's own."""
        if self.depth or not self.test:
            return False
        path = relative(sys._getframe(2).f_code.co_filename)  # noqa: SLF001 (as `inspect` does)
        return path is None or is_below(path, self.test_paths)

    def _keep(self, use: Mapping[str, Any]) -> None:
        if use["init"] == []:
            return
        for calls in _sequences(use["calls"]):
            data = {
                "entry": use["entry"]["entry"], "init": use["init"],
                "calls": [[name, *arguments] for name, arguments in calls],
                "observe": list(use["entry"].get("observe", ())),
            }  # fmt: skip
            text = json.dumps(data, sort_keys=True)
            if len(text) <= TEXT_MAX:
                self.found.setdefault(text, {"origin": self.test})


def _sequences(calls: Sequence[Any]) -> list[list[Any]]:
    """Return each call alone after the attributes set before it, and short sequences whole.

    What follows a call whose arguments can't be written down is left out.
    """
    usable: list[Any] = []
    for call in calls:
        if call[1] == []:
            break
        usable.append(call)
    if not calls:
        return [[]]
    found: list[list[Any]] = []
    for index, call in enumerate(usable):
        if call[0] != SETTER:
            found.append([*(c for c in usable[:index] if c[0] == SETTER), call])
    if 1 < len(usable) <= CALLS_MAX:
        found.append(usable)
    return found


def _encoded(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """Return [encoded args, encoded kwargs], or [] if they are not literals."""
    try:
        return [encode(list(args)), encode(kwargs)]
    except NotEncodableError:
        return []
