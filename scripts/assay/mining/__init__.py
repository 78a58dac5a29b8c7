"""Units of a codebase, found by ast-grep rules."""
