"""Carries all that a run needs to a machine without a network: packs it, checks it, takes it."""
