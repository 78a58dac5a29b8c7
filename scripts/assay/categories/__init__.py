"""Task categories, one file each; `base` holds what they share."""
