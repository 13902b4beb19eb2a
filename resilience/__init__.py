"""Load and faults: real servers under many clients, killed, cut off and hung up on.

    make resilience
    python -m resilience [--short] [--seed N] [--only TEXT] [--logs FOLDER] [DATABASE ...]

Each database gets a server of its own, in several processes, and a table of what came of it.
"""
