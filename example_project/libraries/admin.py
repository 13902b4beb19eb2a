"""Manage Libraries in the Django admin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from .models import Library

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Library]
else:
    ModelAdmin = admin.ModelAdmin  # takes a type argument in its type stubs only


@admin.register(Library)
class LibraryAdmin(ModelAdmin):
    list_display = ["name", "account"]
    list_filter = ["account"]
    list_select_related = ["account"]
    search_fields = ["name"]
    autocomplete_fields = ["account", "members"]
