"""A model of provisioning, and what happens to it: see `test_state_machine.py`."""
