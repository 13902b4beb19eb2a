"""Manage customers and users in the Django admin, which is for the product's own staff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User

from tiled_scim.admin.users import ManagedByScim

from .models import Account, Membership

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Account]
    Inline = admin.TabularInline[Membership, Account]
    BaseUserAdmin = UserAdmin[User]
else:
    ModelAdmin = admin.ModelAdmin  # take a type argument in their type stubs only
    Inline = admin.TabularInline
    BaseUserAdmin = UserAdmin


class MembershipInline(Inline):
    model = Membership
    autocomplete_fields = ["account", "user"]
    extra = 0


@admin.register(Account)
class AccountAdmin(ModelAdmin):
    search_fields = ["name"]
    inlines = [MembershipInline]


admin.site.unregister(User)


# SCIM: the mixin adds a section to each user's page that shows what SCIM manages.
@admin.register(User)
class ManagedUserAdmin(ManagedByScim, BaseUserAdmin):
    inlines = [MembershipInline]
