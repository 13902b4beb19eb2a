"""SCIM Configuration for customers: pages that a host mounts among its own."""
