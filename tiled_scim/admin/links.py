"""The list of users and the list of groups and Libraries in the Django admin."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tiled_scim.admin.link_actions import ChoiceAction, LinkAction
from tiled_scim.admin.lists import (
    AccountFilter,
    ColumnFilter,
    OnDemandFilter,
    ReadOnlyAdmin,
    as_link,
    change_page_url,
    may_view,
)
from tiled_scim.admin.scope import Scope, scope_of
from tiled_scim.conf import settings
from tiled_scim.database.host_models import library_model
from tiled_scim.host import HostAdapter
from tiled_scim.models import (
    LibraryGroupLink,
    Link,
    ScimEvent,
    UserLink,
)
from tiled_scim.presentation.events import outcome, to_the_second, what
from tiled_scim.presentation.group_roles import GiveRole
from tiled_scim.presentation.interventions import (
    Choice,
    Intervention,
    Resync,
    UnlinkGroup,
    UnlinkUser,
)
from tiled_scim.presentation.links import (
    annotate_groups,
    annotate_users,
    attributes_of,
    group_count,
    groups_of,
    members_of,
)
from tiled_scim.presentation.moves import Move
from tiled_scim.presentation.searching import found_links
from tiled_scim.presentation.states import GroupState, UserState
from tiled_scim.provisioning.reading import user_relations
from tiled_scim.words import with_words

EVENTS_SHOWN = 10


class UserStateFilter(ColumnFilter):
    title = _("state")
    parameter_name = "state"
    options = UserState.choices

    def condition(self, value: str) -> Q:
        return UserState(value).condition(_any_adapter(self.request))


class GroupStateFilter(ColumnFilter):
    title = _("state")
    parameter_name = "state"
    options = GroupState.choices

    def condition(self, value: str) -> Q:
        return GroupState(value).condition


class InGroupFilter(OnDemandFilter):
    title = _("group")
    parameter_name = "group"
    column = "memberships__group"

    def label(self, value: str, scope: Scope) -> str:
        return _name(scope, LibraryGroupLink, value)


class WithUserFilter(OnDemandFilter):
    title = _("user")
    parameter_name = "user"
    column = "members__user"

    def label(self, value: str, scope: Scope) -> str:
        return _name(scope, UserLink, value)


class LinkAdmin(ReadOnlyAdmin):
    """A list and pages of links. People can perform actions on links, but not edit them."""

    search_help_text = _("Enter the beginning of a name, or a complete SCIM id or externalId.")
    interventions: ClassVar[tuple[type[Intervention], ...]]

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        """Do not offer to delete links on the admin's index."""
        return {**super().get_model_perms(request), "delete": False}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The host's pages ask for this permission before they delete a user together with its link.
        # Pages of links do not offer to delete them.
        return obj is None or scope_of(request).includes(obj.account)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Refuse to delete links: they are unlinked, or deleted with their user or Library."""
        raise PermissionDenied

    def may_change_links(self, request: HttpRequest) -> bool:
        """Return whether the user has the permission to change links."""
        return admin.ModelAdmin.has_change_permission(self, request)

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                f"<path:object_id>/{action.intervention.name}/",
                self.admin_site.admin_view(action.view),
                name=action.url_name,
            )
            for action in self._link_actions()
        ] + super().get_urls()

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        columns = tuple(str(name) for name in super().get_list_display(request))
        return (*columns, "account_name") if scope_of(request).has_accounts else columns

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return found_links(queryset, self.model, search_term.strip()), False

    def annotate_rows(self, request: HttpRequest, rows: list[Any]) -> list[Any]:
        labels = scope_of(request).labels(link.account for link in rows)
        for link in rows:
            link.account_name = labels.get(link.account, link.account)
        return rows

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            "account": row.account_name if scope_of(request).has_accounts else "",
            "attributes": attributes_of(row),
            "events": self._events(request, row),
            "all_events": self._filtered_list_url(request, ScimEvent, resource=row.pk),
            "link_actions": [
                (action, action.url(row))
                for action in self._link_actions()
                if action.is_allowed(request, row)
                and action.intervention.is_possible(row)
                and action.intervention.is_offered(row)
            ],
        }

    def url(self, link: Link) -> str:
        """Return the URL of a link's page."""
        return self._reverse("change", link.pk)

    @property
    def list_url(self) -> str:
        """Return the URL of the list."""
        return self._reverse("changelist")

    def _link_actions(self) -> list[LinkAction]:
        return [
            (ChoiceAction if issubclass(intervention, Choice) else LinkAction)(self, intervention)
            for intervention in self.interventions
        ]

    def _change_page_url(self, request: HttpRequest, model: type[Model], key: object) -> str:
        return change_page_url(self.admin_site, request, model, key)

    def _filtered_list_url(self, request: HttpRequest, model: type[Model], **query: Any) -> str:
        """Return the URL of a filtered list, or "" if the user may not see the list."""
        if not may_view(self.admin_site, request, model):
            return ""
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        return f"{reverse(name, current_app=self.admin_site.name)}?{urlencode(query)}"

    def _events(self, request: HttpRequest, link: Link) -> list[dict[str, Any]]:
        """Return the last events of a resource, or [] if the user may not see events."""
        if not may_view(self.admin_site, request, ScimEvent):
            return []
        scope = scope_of(request)
        events = scope.limit(ScimEvent.objects.filter(resource_id=link.pk).defer("changes"))
        return [
            {
                "time": to_the_second(event.created_at),
                "what": what(event),
                "outcome": outcome(event),
                "page": self._change_page_url(request, ScimEvent, event.pk),
            }
            for event in events[:EVENTS_SHOWN]
        ]

    def _reverse(self, view: str, *arguments: Any) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{view}"
        return reverse(name, args=arguments, current_app=self.admin_site.name)

    @admin.display(description=_("account"))
    def account_name(self, link: Any) -> str:
        return str(link.account_name)

    @admin.display(description=_("state"))
    def state(self, link: Any) -> SafeString:
        state: UserState | GroupState = link.state
        return state.badge

    @admin.display(description=_("last push"), ordering="pushed_at")
    def last_push(self, link: Link) -> datetime:
        return link.pushed_at


@admin.register(UserLink)
class UserLinkAdmin(LinkAdmin):
    """The list of users that SCIM manages or has managed."""

    list_display = ("name", "host_user", "state", "tiled_admin", "libraries", "last_push")
    list_filter = (UserStateFilter, AccountFilter, InGroupFilter)
    ordering = ("account", "user_name_canonical", "pk")
    search_fields = ("user_name",)
    change_form_template = "tiled_scim/admin/user.html"
    interventions = (UnlinkUser,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[UserLink]:
        return super().get_queryset(request).select_related(*user_relations(_any_adapter(request)))

    def annotate_rows(self, request: HttpRequest, rows: list[Any]) -> list[Any]:
        for link in annotate_users(super().annotate_rows(request, rows)):
            link.user_page = self._change_page_url(request, get_user_model(), link.user_id)
        return rows

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            **super().page_context(request, row),
            "group_count": group_count(row),
            "groups": [
                {
                    **group,
                    "page": self._change_page_url(request, LibraryGroupLink, group["key"]),
                    "library_page": self._change_page_url(
                        request, library_model(), group["library_key"]
                    ),
                }
                for group in groups_of(row)
            ],
            "all_groups": self._filtered_list_url(request, LibraryGroupLink, user=row.pk),
        }

    @admin.display(description="userName", ordering="user_name_canonical")
    def name(self, link: UserLink) -> str:
        return str(link)

    @admin.display(description=_("user of this site"))
    def host_user(self, link: Any) -> str:
        return as_link(link.user.get_username(), link.user_page)

    @admin.display(description=with_words("%(admin)s"), empty_value="")
    def tiled_admin(self, link: Any) -> str:
        return gettext("Yes") if link.is_tiled_admin else ""

    @admin.display(description=with_words("%(libraries)s"))
    def libraries(self, link: Any) -> int:
        return int(link.library_count)


@admin.register(LibraryGroupLink)
class LibraryGroupLinkAdmin(LinkAdmin):
    """The list of groups that were pushed, with their Libraries."""

    list_display = ("name", "library_name", "state", "member_count", "last_push")
    list_filter = (GroupStateFilter, AccountFilter, WithUserFilter)
    list_select_related = ("library",)
    ordering = ("account", "display_name_canonical", "pk")
    search_fields = ("display_name",)
    change_form_template = "tiled_scim/admin/group.html"
    interventions = (Move, GiveRole, Resync, UnlinkGroup)

    def annotate_rows(self, request: HttpRequest, rows: list[Any]) -> list[Any]:
        for link in annotate_groups(super().annotate_rows(request, rows)):
            link.library_page = self._change_page_url(request, library_model(), link.library_id)
        return rows

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            **super().page_context(request, row),
            "members": [
                {**member, "page": self._change_page_url(request, UserLink, member["key"])}
                for member in members_of(row)
            ],
            "all_members": self._filtered_list_url(request, UserLink, group=row.pk),
        }

    @admin.display(description=_("group"), ordering="display_name_canonical")
    def name(self, link: LibraryGroupLink) -> str:
        return str(link)

    @admin.display(description=with_words("%(library)s"))
    def library_name(self, link: Any) -> str:
        library = as_link(link.library_label, link.library_page)
        if not link.role_label:
            return library
        role = gettext("Role: %(role)s") % {"role": link.role_label}
        return format_html("{} {}", library, role).strip()

    @admin.display(description=_("members"))
    def member_count(self, link: Any) -> int:
        return int(link.members_count)


def _any_adapter(request: HttpRequest) -> HostAdapter:
    """Return an adapter to look up field names, which are the same for all accounts."""
    return settings.HOST_ADAPTER(next(iter(scope_of(request).first), ""))


def _name(scope: Scope, model: type[UserLink | LibraryGroupLink], key: str) -> str:
    """Return the name of the link with this id, or the id if there is none to see."""
    links = scope.limit(model.objects.filter(pk=UUID(key)))
    return links.values_list(model.name_field, flat=True).first() or key
