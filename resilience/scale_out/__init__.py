"""The example project as a large host runs it: several servers, and what stands around them.

    make scale-out
    python -m resilience.scale_out [--short] [--seed N] [--only PART ...]

nginx before two gunicorn servers, PgBouncer in transaction mode between these and PostgreSQL, and
Redis for what the servers count together. The configuration is that of docs/operations.md.
"""
