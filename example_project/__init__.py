"""A small host product: users have access to Libraries, and Okta manages who has access."""
