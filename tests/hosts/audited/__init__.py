"""A host that keeps its audit trail, the events of SCIM included, in a database of its own."""
