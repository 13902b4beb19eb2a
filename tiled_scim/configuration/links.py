"""The lists and pages of an account's users and groups."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from tiled_scim.configuration.access import ConfigurationPage
from tiled_scim.configuration.events import choices, described, events_of
from tiled_scim.configuration.lists import FilterForm, ListPage
from tiled_scim.database.for_write import objects
from tiled_scim.models import LibraryGroupLink, UserLink
from tiled_scim.presentation.group_roles import GiveRole
from tiled_scim.presentation.interventions import Intervention, Resync, UnlinkGroup, UnlinkUser
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

EVENTS_SHOWN = 10
Interventions = dict[str, type[Intervention]]


class UserFilterForm(FilterForm):
    hidden = ("group",)

    state = forms.ChoiceField(label=_("State"), choices=choices(UserState.choices))
    group = forms.UUIDField(label=_("Group"))


class GroupFilterForm(FilterForm):
    hidden = ("user",)

    state = forms.ChoiceField(label=_("State"), choices=choices(GroupState.choices))
    user = forms.UUIDField(label=_("User"))


class Links(ConfigurationPage):
    """What the pages of users and those of groups differ in."""

    model: ClassVar[type[UserLink | LibraryGroupLink]]
    section: str
    # The name of the URL of one link's page.
    page_name: ClassVar[str]
    interventions: ClassVar[Interventions]

    def rows(self) -> QuerySet[Any]:
        """Return all links of the account, live or not, with what they show."""
        raise NotImplementedError

    def annotated(self, rows: list[Any]) -> list[Any]:
        """Add attributes to links that lists and pages show."""
        raise NotImplementedError

    def get_link(self, link_id: UUID) -> Any:
        """Return a link of the account.

        Raises:
            Http404: The account has no such link.
        """
        link = self.rows().filter(pk=link_id).first()
        if link is None:
            raise Http404
        return link

    def name_of(self, model: type[UserLink | LibraryGroupLink], key: UUID) -> str:
        """Return the name of a link of the account, or "" if the account does not have it."""
        links = objects(model).filter(account=self.account.key, pk=key)
        return links.values_list(model.name_field, flat=True).first() or ""

    def page_url(self, link: Any) -> str:
        """Return the URL of the page of a link."""
        return self.urls.to(self.page_name, link_id=link.pk)


class Users(Links):
    model = UserLink
    section = "users"
    page_name = "user"
    interventions: ClassVar[Interventions] = {"unlink": UnlinkUser}

    def rows(self) -> QuerySet[Any]:
        links = objects(UserLink).filter(account=self.account.key)
        relations = user_relations(self.account.connection.adapter)
        return links.select_related(*relations).order_by("account", "user_name_canonical", "pk")

    def annotated(self, rows: list[Any]) -> list[Any]:
        for link in annotate_users(rows):
            link.page = self.page_url(link)
        return rows


class Groups(Links):
    model = LibraryGroupLink
    section = "groups"
    page_name = "group"
    interventions: ClassVar[Interventions] = {
        "move": Move,
        "role": GiveRole,
        "resync": Resync,
        "unlink": UnlinkGroup,
    }

    def rows(self) -> QuerySet[Any]:
        links = objects(LibraryGroupLink).filter(account=self.account.key)
        return links.select_related("library").order_by("account", "display_name_canonical", "pk")

    def annotated(self, rows: list[Any]) -> list[Any]:
        for link in annotate_groups(rows):
            link.page = self.page_url(link)
        return rows


class UserList(Users, ListPage):
    """The list of users that SCIM manages or has managed."""

    template_name = "tiled_scim/configuration/users.html"
    form_class = UserFilterForm

    def filtered(self, form: UserFilterForm) -> QuerySet[Any]:
        links = found_links(self.rows(), UserLink, form.term)
        if state := form.cleaned_data["state"]:
            links = links.filter(UserState(state).condition(self.account.connection.adapter))
        group = form.cleaned_data["group"]
        return links.filter(memberships__group=group) if group else links

    def value_name(self, name: str, value: Any) -> str:
        return self.name_of(LibraryGroupLink, value)


class GroupList(Groups, ListPage):
    """The list of groups that were pushed, with their Libraries."""

    template_name = "tiled_scim/configuration/groups.html"
    form_class = GroupFilterForm

    def filtered(self, form: GroupFilterForm) -> QuerySet[Any]:
        links = found_links(self.rows(), LibraryGroupLink, form.term)
        if state := form.cleaned_data["state"]:
            links = links.filter(GroupState(state).condition)
        user = form.cleaned_data["user"]
        return links.filter(members__user=user) if user else links

    def value_name(self, name: str, value: Any) -> str:
        return self.name_of(UserLink, value)


class LinkPage(Links):
    """The page of one link: its state, memberships, attributes and last events."""

    def get(self, request: HttpRequest, link_id: UUID, **arguments: Any) -> HttpResponse:
        (link,) = self.annotated([self.get_link(link_id)])
        events = events_of(self.account).filter(resource_id=link.pk).defer("changes")
        context = {
            "section": self.section,
            "title": str(link),
            "link": link,
            "attributes": attributes_of(link),
            "events": described(list(events[:EVENTS_SHOWN]), self.account, self.urls),
            "all_events": f"{self.urls['events']}?resource={link.pk}",
            "link_actions": [
                (intervention, self.intervention_url(link, name))
                for name, intervention in self.interventions.items()
                if intervention.is_possible(link) and intervention.is_offered(link)
            ],
            **self.memberships(link),
        }
        return self.render(context)

    def intervention_url(self, link: Any, name: str) -> str:
        return self.urls.to(f"{self.page_name}_intervention", link_id=link.pk, intervention=name)

    def memberships(self, link: Any) -> dict[str, Any]:
        """Return the context for the groups of a user, or the members of a group."""
        raise NotImplementedError


class UserPage(Users, LinkPage):
    """The page of one user."""

    template_name = "tiled_scim/configuration/user.html"

    def memberships(self, link: Any) -> dict[str, Any]:
        return {
            "group_count": group_count(link),
            "groups": [
                {**group, "page": self.urls.to("group", link_id=group["key"])}
                for group in groups_of(link)
            ],
            "all_groups": f"{self.urls['groups']}?user={link.pk}",
        }


class GroupPage(Groups, LinkPage):
    """The page of one group."""

    template_name = "tiled_scim/configuration/group.html"

    def memberships(self, link: Any) -> dict[str, Any]:
        return {
            "member_count": link.members_count,
            "members": [
                {**member, "page": self.urls.to("user", link_id=member["key"])}
                for member in members_of(link)
            ],
            "all_members": f"{self.urls['users']}?group={link.pk}",
        }
