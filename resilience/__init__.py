"""Load and fault tests of real servers with many concurrent clients.

The faults are killed processes, an unavailable database, and clients that disconnect.

    make resilience
    python -m resilience [--short] [--seed N] [--only TEXT] [--logs FOLDER] [DATABASE ...]

For each database, a server with several processes is started, and a table shows the results.
"""
