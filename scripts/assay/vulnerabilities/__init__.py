"""Weaknesses that the security audit weaves into real units, one file each."""
