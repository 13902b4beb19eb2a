"""A model of provisioning, and what happens to it: see `tests/test_state_machine.py`."""
