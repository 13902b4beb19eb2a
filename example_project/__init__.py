"""A small product that is sold to companies, whose people come from each company's own Okta.

Host developers may copy all of it. The lines for `tiled_scim` are marked with "SCIM:".
"""
