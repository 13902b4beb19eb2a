"""A small host product: people get access to Libraries, and Okta decides who."""
