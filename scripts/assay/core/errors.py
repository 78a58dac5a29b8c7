"""Errors that tell the user what to do, and the exit codes that go with them."""

from __future__ import annotations

EXIT_USER = 2
EXIT_INTERNAL = 1


class AssayError(Exception):
    """Base of all errors that Assay raises on purpose (exit code 1)."""

    exit_code = EXIT_INTERNAL


class HarnessError(AssayError):
    """The harness itself failed; never a fault of a model's answer."""


class UserError(AssayError):
    """A mistake that the user can mend (exit code 2, shown without a traceback).

    what:     one sentence that names the problem
    where:    file, config path, task or URL that it was found in
    given:    the value that was found
    expected: the value, or form of value, that would be right
    hint:     what to do about it
    """

    exit_code = EXIT_USER

    def __init__(
        self, what: str, *, where: object = None, given: object = None,
        expected: object = None, hint: str | None = None,
    ) -> None:  # fmt: skip
        self.what = what
        self.details = {"where": where, "given": given, "expected": expected, "hint": hint}
        super().__init__(self.message())

    def message(self) -> str:
        """Return the problem and each known detail on a line of its own."""
        lines = [self.what]
        for name, value in self.details.items():
            if value is not None:
                lines.append(f"  {name + ':':<10}{value}")
        return "\n".join(lines)
