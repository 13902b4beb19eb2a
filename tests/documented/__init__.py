"""Hosts that are made of nothing but the documentation, and what must hold in them.

`tests/test_readme.py` makes each and runs its tests in a process of its own.
"""
