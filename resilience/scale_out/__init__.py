"""The simple project deployed on several servers, tested over HTTP and measured.

    make scale-out
    python -m resilience.scale_out [--short] [--seed N] [--only PART ...]

nginx balances two gunicorn servers. PgBouncer in transaction mode connects them to PostgreSQL, and
they share a cache in Redis. The configuration is that of docs/operations.md.
"""
