"""Names that an answer uses and the pinned environment does not have."""
