"""Manage Libraries and users in the Django admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import Count

from tiled_scim.admin.users import ManagedByScim

from .models import Library

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    ModelAdmin = admin.ModelAdmin[Library]
    BaseUserAdmin = UserAdmin[User]
else:
    ModelAdmin = admin.ModelAdmin  # take a type argument in their type stubs only
    BaseUserAdmin = UserAdmin


class CountedLibrary(Protocol):
    member_count: int


@admin.register(Library)
class LibraryAdmin(ModelAdmin):
    list_display = ["name", "member_count"]
    search_fields = ["name"]
    filter_horizontal = ["members"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Library]:
        return super().get_queryset(request).annotate(member_count=Count("members"))

    @admin.display(description="members", ordering="member_count")
    def member_count(self, library: CountedLibrary) -> int:
        return library.member_count


admin.site.unregister(User)


# SCIM: the mixin adds a section to each user's page that shows what SCIM manages.
@admin.register(User)
class ManagedUserAdmin(ManagedByScim, BaseUserAdmin):
    pass
