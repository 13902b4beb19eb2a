from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from tests.hosts.proxied.atlas.models import Collection, Person
from tiled_scim.admin.users import ManagedByScim

admin.site.register(Collection)


@admin.register(Person)
class PersonAdmin(ManagedByScim, UserAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """People, and what SCIM knows of them."""
