"""The requests that Okta sends."""
