"""Reads answers, has them judged in the sandbox, and writes verdicts."""
