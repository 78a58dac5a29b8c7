"""Pinned sources, by package archive or git commit, as one canonical tree."""
