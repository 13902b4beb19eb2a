"""What pages show of SCIM, without a site: for the Django admin and for `configuration`."""
