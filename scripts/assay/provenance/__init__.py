"""Manifests of a run, and the check of a run against somebody else's manifest."""
