"""A product that is sold to companies: accounts, memberships with a role, and email as login."""
