"""Measurements: ratios in one run, since a machine's seconds say little about another's.

DATABASE_URL=postgres://… python -m benchmarks.admin_pages
"""
