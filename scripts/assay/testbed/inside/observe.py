"""Executes one scenario and describes what can be seen from outside."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from assay.testbed.inside.settled import settle
from assay.testbed.inside.tree import relative
from assay.testbed.inside.values import Values, resolve

TEXT_MAX = 4000


class Execution:
    """One scenario's run: its observation, and where its exceptions were raised."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data, self.observe = data, data["observe"]
        self.values = Values()
        self.init: tuple[Any, Any] | None = None
        self.calls: list[tuple[str, tuple[Any, Any]]] = []
        self.results: list[dict[str, Any]] = []
        self.raised_at: list[list[Any] | None] = []
        self.constructed = True

    def run(self) -> None:
        """Construct and call; exceptions are results."""
        self.init = self.data["init"] and self._arguments(self.data["init"])
        self.calls = [(method, self._arguments(rest)) for method, *rest in self.data["calls"]]
        subject = entry = resolve(self.data["entry"])
        if self.init is not None:
            subject = self._attempt(entry, self.init, keep=True)
            if subject is None:
                self.constructed = False
                return
        for method, arguments in self.calls:
            self._attempt(subject, arguments, method)
        if self.init is not None:
            self.subject = subject

    def observation(self) -> dict[str, Any]:
        """Return results, public state and arguments as they are afterwards."""
        seen: dict[str, Any] = {"calls": self.results, "state": {}}
        if not self.constructed:
            seen["init"] = "raised"
        elif self.init is not None:
            seen["state"] = {name: self._attribute(name) for name in self.observe}
        given = [self.init, *(arguments for _, arguments in self.calls)]
        seen["arguments"] = [one and self.values.described(list(one)) for one in given]
        return seen

    def _arguments(self, data: Any) -> tuple[Any, Any]:
        args, kwargs = data
        return self.values.decode(args), self.values.decode(kwargs)

    def _attempt(
        self, subject: Any, arguments: tuple[Any, Any], method: str = "", *, keep: bool = False
    ) -> Any:
        args, kwargs = arguments
        how: dict[str, Any] = {}
        try:
            function = getattr(subject, method) if method else subject
            result = function(*args, **kwargs)
            if not keep:
                result, how = settle(result)
        except MemoryError:
            raise
        except BaseException as error:  # noqa: BLE001 (whatever it raises is what is observed)
            self.results.append({"raised": raised(error)})
            self.raised_at.append(raise_site(error.__traceback__))
            return None
        if not keep:
            seen = self.values.described(result, self.data.get("returned", ()))
            self.results.append({"returned": seen, **how})
        return result

    def _attribute(self, name: str) -> Any:
        try:
            return self.values.described(getattr(self.subject, name))
        except MemoryError:
            raise
        except BaseException as error:  # noqa: BLE001
            self.raised_at.append(raise_site(error.__traceback__))
            return {"raised": raised(error)}


def raised(error: BaseException) -> list[str]:
    """Return [qualified type name, text] of an exception."""
    try:
        text = str(error)
    except MemoryError:
        raise
    except BaseException as inner:  # noqa: BLE001
        text = f"<no text: {type(inner).__qualname__}>"
    return [type(error).__qualname__, text[:TEXT_MAX].encode("utf-8", "replace").decode()]


def raise_site(trace: TracebackType | None) -> list[Any] | None:
    """Return [path in the tree, line] of the innermost frame, or None if it is elsewhere."""
    if trace is None:
        return None
    while trace.tb_next is not None:
        trace = trace.tb_next
    path = relative(trace.tb_frame.f_code.co_filename)
    return None if path is None else [path, trace.tb_lineno]
