"""Records how the target's tests use its public entry points, as literals.

Only what a test does itself is recorded (not calls that the target makes of its own entry
points), only on instances of exactly the entry's class, and only arguments that can be written
down: exact builtins, and objects that a test made of the target's `values` (see `inside.values`).
They are encoded before the call, since the call may change them.
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
from assay.testbed.inside.sequences import replaced, sequences
from assay.testbed.inside.tree import is_below, relative
from assay.testbed.inside.values import Values, expanded, resolve

IMMUTABLE = 1 << 8  # CPython: Py_TPFLAGS_IMMUTABLETYPE
NOT_METHODS = (property, classmethod, staticmethod)
TEXT_MAX = 20_000

Line = Callable[[dict[str, Any]], None]


class Recorder:
    """A pytest plug-in that wraps entry points and values before the tests are collected."""

    def __init__(
        self, entries: Sequence[Mapping[str, Any]], values: Sequence[str], tests: Sequence[str]
    ) -> None:
        self.entries, self.tests = {entry["entry"]: entry for entry in entries}, tuple(tests)
        self.wanted = values
        self.depth = 0
        self.test = ""
        self.values = Values()
        self.uses: dict[int, dict[str, Any]] = {}
        # What is made while values get their names; None once all have theirs.
        self.early: list[tuple[str, Any, tuple[Any, ...], dict[str, Any]]] | None = []
        self.found: dict[str, dict[str, Any]] = {}
        self.problems: dict[str, str] = {}

    @pytest.hookimpl(tryfirst=True)  # type: ignore[untyped-decorator]
    def pytest_collection(self) -> None:
        """Wrap every entry point, after conftest files and before the tests' modules."""
        # The entry points first: an object that has two names goes by that of an entry point.
        for wanted in [*sorted(self.entries), *self.wanted]:
            try:
                for name in expanded(wanted):
                    self._wrap(name)
            except (AttributeError, ImportError, TypeError) as error:
                self.problems[wanted] = f"{type(error).__name__}: {error}"
        # A module that holds a value may have used it already, before that had its name.
        early, self.early = self.early or [], None
        for made in early:
            self._made(*made)

    def _wrap(self, name: str) -> None:
        entry, subject = self.entries.get(name), resolve(name)
        if self.values.encoding(subject) is not None:
            return
        self.values.note(subject, ["name", name])
        if isinstance(subject, type):
            self._wrap_class(name, entry, subject)
        elif "." in name.partition(":")[2] and (entry or inspect.isroutine(subject)):
            self._wrap_attribute(name, entry)
        elif inspect.isroutine(subject):
            self._wrap_function(name, entry, subject)
        elif entry:
            raise TypeError(f"{name}: an entry is a class, a function, a static or class method")

    @pytest.hookimpl(wrapper=True)  # type: ignore[untyped-decorator]
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        """Note which test runs; afterwards keep what it did."""
        self.test = item.nodeid
        known = set(self.values.known)
        result = yield
        for identity, use in list(self.uses.items()):
            self._keep(use)
            use["calls"] = []
            if use["made_in"]:
                del self.uses[identity]
        for identity in set(self.values.known) - known:
            del self.values.known[identity]
        self.test = ""
        return result

    def finish(self, line: Line) -> None:
        """Report all that was recorded, and the entry points that are none."""
        for entry, text in sorted(self.problems.items()):
            line({"collect": f"the entry point {entry}", "text": text})
        for text, origin in sorted((text, found["origin"]) for text, found in self.found.items()):
            line({"recorded": {"data": json.loads(text), "origin": origin}})

    def _wrap_class(self, name: str, entry: Mapping[str, Any] | None, subject: type) -> None:
        construct = subject.__init__  # type: ignore[misc]

        @functools.wraps(construct)
        def init(instance: Any, /, *args: Any, **kwargs: Any) -> None:
            if type(instance) is subject and self._from_test():
                self._made(name, instance, args, kwargs)
            if construct is not object.__init__:
                self._inner(construct, instance, *args, **kwargs)

        if _is_immutable(subject):
            return  # a class in C stands among arguments by its name alone
        subject.__init__ = init  # type: ignore[misc]
        for method in (entry or {}).get("methods", ()):
            # A property is observed, a class or static method is an entry of its own.
            if isinstance(inspect.getattr_static(subject, method), NOT_METHODS):
                raise TypeError(f"{name}: {method} is no method of its instances")
            self._wrap_method(subject, method)

    def _made(
        self, name: str, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Note an instance that a test made; one of an entry point is watched from here on."""
        entry = self.entries.get(name)
        given = self._encoded(args, kwargs, entry)
        if given:
            self.values.note(instance, ["new", [name, *given]])
        elif self.early is not None:
            self.early.append((name, instance, args, kwargs))
        if given and entry:
            self.uses[id(instance)] = {
                "entry": entry, "init": given, "calls": [], "self": instance,
                "made_in": self.test,
            }  # fmt: skip

    def _wrap_method(self, subject: type, name: str) -> None:
        original = getattr(subject, name)

        @functools.wraps(original)
        def call(instance: Any, /, *args: Any, **kwargs: Any) -> Any:
            use = self.uses.get(id(instance)) if self.depth == 0 else None
            if use is not None and self.test and self._from_test():
                use["calls"].append([name, self._encoded(args, kwargs, use["entry"])])
            return self._inner(original, instance, *args, **kwargs)

        setattr(subject, name, call)

    def _wrap_attribute(self, name: str, entry: Mapping[str, Any] | None) -> None:
        """Wrap a static or class method; what is called on a subclass is another use."""
        path, _, attribute = name.rpartition(".")
        owner = resolve(path)
        kind = inspect.getattr_static(owner, attribute)
        if isinstance(kind, staticmethod):
            setattr(owner, attribute, staticmethod(self._recorded(name, entry, kind.__func__)))
        elif isinstance(kind, classmethod):
            call = self._recorded(name, entry, kind.__func__, owner)
            setattr(owner, attribute, classmethod(call))
        else:
            raise TypeError(f"{name}: an entry is a class, a function, a static or class method")

    def _recorded(
        self, name: str, entry: Mapping[str, Any] | None, original: Callable[..., Any],
        owner: type | None = None,
    ) -> Callable[..., Any]:  # fmt: skip
        """Return the function with its calls noted; `owner` is a class method's own class."""

        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            given: list[Any] = []
            if self._from_test() and (owner is None or args[0] is owner):
                given = self._encoded(args if owner is None else args[1:], kwargs, entry)
            if given and entry and self.test:
                self._keep({"entry": entry, "init": None, "calls": [["", given]]})
            result = self._inner(original, *args, **kwargs)
            if given and self.values.encoding(result) is None:
                self.values.note(result, ["new", [name, *given]])
            return result

        return call

    def _wrap_function(
        self, name: str, entry: Mapping[str, Any] | None, original: Callable[..., Any]
    ) -> None:
        call = self._recorded(name, entry, original)
        self.values.note(call, ["name", name])
        for module in list(sys.modules.values()):
            for attribute, value in list(vars(module).items()):
                if value is original and relative(getattr(module, "__file__", None) or ""):
                    setattr(module, attribute, call)

    def _inner(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.depth += 1
        try:
            return function(*args, **kwargs)
        finally:
            self.depth -= 1

    def _from_test(self) -> bool:
        """Tell whether the code that called the wrapper is not the target's own."""
        if self.depth:
            return False
        path = relative(sys._getframe(2).f_code.co_filename)  # noqa: SLF001 (as `inspect` does)
        return path is None or is_below(path, self.tests)

    def _keep(self, use: Mapping[str, Any]) -> None:
        if use["init"] is not None and not use["calls"] and not use["made_in"]:
            return  # made once for many tests: this one did not use it
        instead = use["entry"].get("instead", {})
        for calls in replaced(sequences(use["calls"]), instead):
            data = {
                "entry": use["entry"]["entry"], "init": use["init"],
                "calls": [[name, *arguments] for name, arguments in calls],
                "observe": list(use["entry"].get("observe", ())),
            }  # fmt: skip
            if use["entry"].get("returned"):
                data["returned"] = list(use["entry"]["returned"])
            text = json.dumps(data, sort_keys=True)
            if len(text) <= TEXT_MAX:
                self.found.setdefault(text, {"origin": self.test})

    def _encoded(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], entry: Mapping[str, Any] | None
    ) -> list[Any]:
        """Return [encoded args, encoded kwargs], or [] if they can't be written down."""
        left_out = (entry or {}).get("without", ())
        kept = {name: value for name, value in kwargs.items() if name not in left_out}
        try:
            return [encode(list(args), self.values.encoding), encode(kept, self.values.encoding)]
        except NotEncodableError:
            return []


def _is_immutable(subject: type) -> bool:
    return bool(subject.__flags__ & IMMUTABLE)
