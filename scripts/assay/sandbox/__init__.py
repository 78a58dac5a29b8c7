"""Runs untrusted programs: one bubblewrap sandbox each, killed from outside, a typed outcome."""
