"""Show on the host's own user pages what SCIM manages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tiled_scim.admin.lists import may_view
from tiled_scim.admin.scope import Scope, scope_of
from tiled_scim.conf import settings
from tiled_scim.models import LibraryGroupMember, UserLink
from tiled_scim.presentation.links import belonging_links
from tiled_scim.presentation.states import UserState
from tiled_scim.provisioning.group_members import own_library
from tiled_scim.provisioning.reading import host_values_of

if TYPE_CHECKING:
    BaseModelAdmin = admin.ModelAdmin[Any]
else:
    BaseModelAdmin = object  # a mixin: the host adds the model admin

FIELD = "managed_by_scim"
LIBRARIES_SHOWN = 20


class ManagedByScim(BaseModelAdmin):
    """A mixin for the host's user admin that adds a read-only section about SCIM.

    The section is shown to people who may view the users under SCIM Configuration. It has the links
    of the accounts that they may see.
    """

    @property
    def media(self) -> forms.Media:
        return super().media + forms.Media(css={"all": ["tiled_scim/admin.css"]})

    def get_object(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        user = super().get_object(request, *args, **options)
        if user is not None:
            user.scim_scope = scope_of(request)
        return user

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return (*fields, FIELD) if self._is_shown(request, obj) else fields

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        # A model admin without its own fieldsets already includes the field.
        if not self._is_shown(request, obj) or FIELD in flatten_fieldsets(fieldsets):
            return fieldsets
        return (*fieldsets, (_("Managed by SCIM"), {"fields": (FIELD,)}))

    @admin.display(description=_("SCIM"))
    def managed_by_scim(self, user: Any) -> str:
        """Return the user's links in the accounts that may be seen, as HTML."""
        scope: Scope = user.scim_scope
        links = list(scope.limit(UserLink.objects.filter(user=user)))
        accounts = scope.labels(link.account for link in links) if scope.has_accounts else {}
        context = {
            "links": [
                {**self._link_context(link), "account": accounts.get(link.account)}
                for link in links
            ],
            "is_all": scope.is_all,
        }
        return render_to_string("tiled_scim/admin/managed.html", context)

    def _is_shown(self, request: HttpRequest, user: Any) -> bool:
        if user is None or not may_view(self.admin_site, request, UserLink):
            return False
        return not scope_of(request).is_empty

    def _link_context(self, link: UserLink) -> dict[str, Any]:
        adapter = settings.HOST_ADAPTER(link.account)
        members: Any = LibraryGroupMember.objects.filter(LibraryGroupMember.live, user=link)
        members = members.exclude(group__library=None)  # some groups only give a role
        members = members.select_related("group__library").order_by("group__display_name", "pk")
        page = reverse(
            "admin:tiled_scim_userlink_change", args=[link.pk], current_app=self.admin_site.name
        )
        libraries = [own_library(member.group, adapter) for member in members[:LIBRARIES_SHOWN]]
        belongs = link.pk in belonging_links([link], {link.account: adapter})
        return {
            "link": link,
            "page": page,
            "state": UserState.for_link(link, host_values_of(link, adapter), belongs=belongs),
            "libraries": [
                adapter.library_name(library) for library in libraries if library is not None
            ],
            "more": members.count() - LIBRARIES_SHOWN,
        }
