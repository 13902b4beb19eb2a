"""Actions that people perform on a link in the admin.

A GET shows what the action will do, and a POST performs it. A link that has changed since its page
was shown is not changed by the POST. Each action is recorded as an event and in the admin's log.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import router
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tiled_scim.api.endpoints import SERVICES
from tiled_scim.audit.events import Source
from tiled_scim.conf import settings
from tiled_scim.errors import ScimError, precondition_failed
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, Link, UserLink
from tiled_scim.provisioning import drift
from tiled_scim.provisioning.group_members import GroupMembers
from tiled_scim.provisioning.reading import version_of
from tiled_scim.provisioning.repair import repair
from tiled_scim.provisioning.service import Precondition, record_of
from tiled_scim.sql.rows import with_groups
from tiled_scim.words import words

if TYPE_CHECKING:
    from tiled_scim.admin.links import LinkAdmin

NAMES_SHOWN = 100


@dataclass(frozen=True)
class Names:
    """A list of users or groups with a title: their number, and the first names."""

    title: str
    number: int
    names: list[str]

    @classmethod
    def from_names(cls, title: str, names: Iterable[str]) -> Names:
        """Create a list of names, sorted and shortened."""
        ordered = sorted(names, key=str.lower)
        return cls(title, len(ordered), ordered[:NAMES_SHOWN])

    @property
    def more(self) -> int:
        return self.number - len(self.names)


@dataclass(frozen=True)
class Consequences:
    """What an action will do.

    Args:
        title: The question that the page asks.
        sentences: What happens, and what does not.
        button: The label of the button, or "" if there is nothing to do.
        lists: The users or groups that are affected.
        is_loss: Whether access or data is lost.
    """

    title: str
    sentences: list[str]
    button: str
    lists: list[Names] = field(default_factory=list)
    is_loss: bool = True


class LinkAction:
    """An action that people can perform on a link.

    Args:
        model_admin: The admin of the link's model.
    """

    name: ClassVar[str]
    label: ClassVar[Any]
    help: ClassVar[Any]

    def __init__(self, model_admin: LinkAdmin) -> None:
        self.model_admin = model_admin

    @property
    def url_name(self) -> str:
        opts = self.model_admin.opts
        return f"{opts.app_label}_{opts.model_name}_{self.name.replace('-', '_')}"

    def url(self, link: Link) -> str:
        """Return the URL of the action for a link."""
        site = self.model_admin.admin_site
        return reverse(f"admin:{self.url_name}", args=[link.pk], current_app=site.name)

    def view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the page of the action (GET) or perform the action (POST)."""
        if not self.model_admin.may_change_links(request):
            raise PermissionDenied
        row = self.model_admin.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        adapter = settings.HOST_ADAPTER(row.account)
        link = _reload(row)
        if not self.is_possible(link):
            message = gettext("SCIM no longer manages “%(name)s”.") % {"name": link}
            self.model_admin.message_user(request, message, messages.WARNING)
            return HttpResponseRedirect(self.model_admin.url(link))
        if request.method == "POST":
            return self.submit(request, adapter, link)
        return self.page(request, adapter, link)

    def is_possible(self, link: Link) -> bool:
        """Return whether the link is in a state that allows the action."""
        return link.unlinked_at is None

    def page(self, request: HttpRequest, adapter: HostAdapter, link: Any) -> HttpResponse:
        """Show what the action will do, and a form to confirm it."""
        consequences = self.consequences(request, adapter, link)
        context = {
            "title": consequences.title,
            "consequences": consequences,
            "version": version_of(link, adapter),
        }
        return self.render(request, link, "link_action", context)

    def submit(self, request: HttpRequest, adapter: HostAdapter, link: Any) -> HttpResponse:
        """Perform the action, or show why it failed."""
        precondition = unchanged_since(request.POST.get("version", ""), link)
        try:
            message = self.perform(request, adapter, link, precondition)
        except ScimError as error:
            self.model_admin.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        if message:
            self.model_admin.log_change(request, link, message)
            self.model_admin.message_user(request, message, messages.SUCCESS)
        else:
            nothing = gettext("There was nothing left to do.")
            self.model_admin.message_user(request, nothing, messages.INFO)
        return HttpResponseRedirect(self.success_url(link))

    def success_url(self, link: Link) -> str:
        """Return the URL to redirect to after the action."""
        return self.model_admin.url(link)

    def consequences(self, request: HttpRequest, adapter: HostAdapter, link: Any) -> Consequences:
        """Return what the action will do.

        Raises:
            ScimError: The action is not possible.
        """
        raise NotImplementedError

    def perform(
        self, request: HttpRequest, adapter: HostAdapter, link: Any, precondition: Precondition
    ) -> str:
        """Perform the action and record an event.

        Returns:
            A message that says what was done, or "" if there was nothing to do.

        Raises:
            ScimError: The action is not possible, or the precondition failed.
        """
        raise NotImplementedError

    def render(
        self, request: HttpRequest, link: Link, template: str, context: dict[str, Any]
    ) -> HttpResponse:
        """Render a page of the action."""
        site = self.model_admin.admin_site
        context = {
            **site.each_context(request),
            "opts": self.model_admin.opts,
            "link": link,
            "label": self.label,
            "title": self.label,
            "list": self.model_admin.list_url,
            "back": self.model_admin.url(link),
            **context,
        }
        request.current_app = site.name
        return TemplateResponse(request, f"tiled_scim/admin/{template}.html", context)


class Unlink(LinkAction):
    """Unlink a user or group, as a SCIM DELETE does."""

    name = "let-go"  # part of the URL, which stays
    label = _("Unlink")

    def success_url(self, link: Link) -> str:
        # The link may have been deleted together with its user.
        return self.model_admin.list_url

    def perform(
        self, request: HttpRequest, adapter: HostAdapter, link: Any, precondition: Precondition
    ) -> str:
        source = Source(link.account, client=client_of(request))
        service = SERVICES[self.model_admin.resource_type.name](adapter, record_of(source))
        service.unlink(link.pk, precondition)
        return gettext("“%(name)s” has been unlinked.") % {"name": link}


class UnlinkUser(Unlink):
    help = _("SCIM stops managing this user and revokes all access that it gave.")

    def consequences(
        self, request: HttpRequest, adapter: HostAdapter, link: UserLink
    ) -> Consequences:
        groups = [row["display"] for row in link.group_rows or ()]
        is_deleted = settings.USER_DELETE == "delete"
        return Consequences(
            title=gettext("Unlink the user “%(name)s”?") % {"name": link},
            sentences=[
                gettext("The user is removed from all groups and loses the access that they gave."),
                gettext("The user is permanently deleted from this site.")
                if is_deleted
                else gettext("The user stays on this site, but is deactivated and loses %(admin)s.")
                % words(),
                gettext(
                    "Okta is not notified. Remove the assignment in Okta as well, or the next "
                    "change that it pushes for this user fails."
                ),
            ],
            button=gettext("Unlink"),
            lists=[Names.from_names(gettext("Groups"), groups)] if groups else [],
        )


class UnlinkGroup(Unlink):
    help = _("SCIM stops managing this group. Its members lose the access that it gave.")

    def consequences(
        self, request: HttpRequest, adapter: HostAdapter, link: LibraryGroupLink
    ) -> Consequences:
        losing = GroupMembers(link, adapter, _database()).losing()
        return Consequences(
            title=gettext("Unlink the group “%(name)s”?") % {"name": link},
            sentences=[
                *self._consequences_for_library(adapter, link),
                gettext(
                    "Okta is not notified. Unlink the group in Okta as well, or the next change "
                    "that it pushes for this group fails."
                ),
            ],
            button=gettext("Unlink"),
            lists=[Names.from_names(gettext("Who loses access"), [user.name for user in losing])],
        )

    def _consequences_for_library(self, adapter: HostAdapter, link: LibraryGroupLink) -> list[str]:
        if link.library is None:
            return [str(drift.Finding(drift.LIBRARY_DELETED, link))]
        return [
            gettext("The members lose access that only this group gave them."),
            gettext("The %(library)s “%(old)s” and its contents are kept.")
            % {**words(), "old": adapter.library_name(cast(Model, link.library))},
            gettext("Access that was given manually or by another group is kept."),
        ]


class Resync(LinkAction):
    """Repair a group whose members or Library were changed manually."""

    name = "resync"
    label = _("Resync")
    help = _("Fixes differences from what was pushed, such as access that was removed manually.")

    def consequences(
        self, request: HttpRequest, adapter: HostAdapter, link: LibraryGroupLink
    ) -> Consequences:
        findings = list(drift.of(link, adapter))
        nothing_found = gettext("Everything matches what was pushed. There is nothing to fix.")
        return Consequences(
            title=gettext("Resync the group “%(name)s”?") % {"name": link},
            sentences=[_describe(finding) for finding in findings] or [nothing_found],
            button=gettext("Fix") if findings else "",
            is_loss=False,
        )

    def perform(
        self, request: HttpRequest, adapter: HostAdapter, link: Any, precondition: Precondition
    ) -> str:
        if repair(link, client_of(request), precondition).is_empty:
            return ""
        return gettext("“%(name)s” has been fixed.") % {"name": link}


def client_of(request: HttpRequest) -> str:
    """Return the name of the admin user for events."""
    return f"Django admin: {request.user.get_username()}"


def unchanged_since(seen: str, link: Link) -> Precondition:
    """Return a precondition that fails if a link has changed.

    Args:
        seen: The version of the link when its page was shown.
        link: The link.
    """

    def check(version: str) -> None:
        if version != seen:
            raise precondition_failed(
                gettext(
                    "Nothing was changed, because “%(name)s” has changed since you opened this "
                    "page. The page now shows the current state."
                )
                % {"name": link}
            )

    return check


def _reload(link: Link) -> Link:
    """Read a link from the write database, with everything that its version depends on."""
    rows: Any = type(link)._default_manager.using(_database()).filter(pk=link.pk)
    if isinstance(link, UserLink):
        return cast(Link, with_groups(rows.select_related("user")).get())
    return cast(Link, rows.select_related("library").get())


def _describe(finding: drift.Finding) -> str:
    """Describe a finding and how it is repaired."""
    repair = gettext("It is fixed by %(repair)s.") % {"repair": finding.kind.repair}
    return f"{finding} {repair}"


def _database() -> str:
    return router.db_for_write(LibraryGroupLink)
