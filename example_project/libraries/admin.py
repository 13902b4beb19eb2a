"""Libraries in the Django admin. Its own pages for users are the product's user management."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from django.contrib import admin
from django.db.models import Count

from .models import Library

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    ModelAdmin = admin.ModelAdmin[Library]
else:
    ModelAdmin = admin.ModelAdmin  # takes a type argument in its type stubs only


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
