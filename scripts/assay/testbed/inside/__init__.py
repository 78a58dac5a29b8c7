"""What runs inside the sandbox: standard library, `core.codec` and pytest only.

These files are mounted at /harness. They hold no expected value, and nothing here decides
anything: they report, and what they report is checked outside.
"""
