"""Bug operators, one file a family; `base` holds what they share."""
