"""What every test shares. The database is that of the settings: DATABASE_URL chooses it."""

from hypothesis import settings

# The tests say nothing about time: a slow machine breaks no rule.
settings.register_profile("tiled_scim", settings.default, deadline=None)
settings.load_profile("tiled_scim")
