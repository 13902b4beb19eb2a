"""The database as Django has it, and nothing of SCIM: columns, compiled queries, many-to-manys."""
