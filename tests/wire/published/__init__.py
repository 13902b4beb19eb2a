"""The published cases of other implementations, as data: facts, not their code."""
