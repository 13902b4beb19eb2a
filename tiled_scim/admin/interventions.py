"""What people do to a link by hand: a page says what will happen, and its form makes it happen.

A GET changes nothing. A POST is good for what its page showed: a link that changed meanwhile stays
as it is. What was done leaves an event, as a push does, and an entry in the admin's log.
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

if TYPE_CHECKING:
    from tiled_scim.admin.links import LinkAdmin

NAMES_SHOWN = 100


@dataclass(frozen=True)
class Names:
    """People or groups under a heading: how many, and the names of the first of them."""

    title: str
    number: int
    names: list[str]

    @classmethod
    def of(cls, title: str, names: Iterable[str]) -> Names:
        """All these names, sorted."""
        everybody = sorted(names, key=str.lower)
        return cls(title, len(everybody), everybody[:NAMES_SHOWN])

    @property
    def more(self) -> int:
        return self.number - len(self.names)


@dataclass(frozen=True)
class Consequences:
    """What an intervention will do.

    Args:
        title: a question.
        sentences: what happens, and what does not.
        button: what doing it is called; empty where there is nothing to do.
        lists: to whom, or to what, it happens.
        is_loss: whether somebody loses something.
    """

    title: str
    sentences: list[str]
    button: str
    lists: list[Names] = field(default_factory=list)
    is_loss: bool = True


class Intervention:
    """One thing that people can do to a link.

    Args:
        model_admin: that of the link's model, whose pages offer it.
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

    def address(self, link: Link) -> str:
        """Where it is done to a link."""
        site = self.model_admin.admin_site
        return reverse(f"admin:{self.url_name}", args=[link.pk], current_app=site.name)

    def view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page, and the answer to its form."""
        if not self.model_admin.may_intervene(request):
            raise PermissionDenied
        row = self.model_admin.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        adapter = settings.HOST_ADAPTER(row.account)
        link = _fresh(row)
        if not self.is_possible(link):
            sentence = gettext("SCIM does not manage “%(name)s” any more.") % {"name": link}
            self.model_admin.message_user(request, sentence, messages.WARNING)
            return HttpResponseRedirect(self.model_admin.address(link))
        if request.method == "POST":
            return self.answer(request, adapter, link)
        return self.page(request, adapter, link)

    def is_possible(self, link: Link) -> bool:
        """Whether it can be done to a link in its state; also if its Library was deleted."""
        return link.unlinked_at is None

    def page(self, request: HttpRequest, adapter: HostAdapter, link: Any) -> HttpResponse:
        """What will happen, and a form to have it happen."""
        consequences = self.consequences(request, adapter, link)
        context = {
            "title": consequences.title,
            "consequences": consequences,
            "version": version_of(link, adapter),
        }
        return self.render(request, link, "intervention", context)

    def answer(self, request: HttpRequest, adapter: HostAdapter, link: Any) -> HttpResponse:
        """Do it, or say why not."""
        precondition = unchanged_since(request.POST.get("version", ""), link)
        try:
            done = self.perform(request, adapter, link, precondition)
        except ScimError as error:
            self.model_admin.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        if done:
            self.model_admin.log_change(request, link, done)
            self.model_admin.message_user(request, done, messages.SUCCESS)
        else:
            nothing = gettext("There was nothing to do any more.")
            self.model_admin.message_user(request, nothing, messages.INFO)
        return HttpResponseRedirect(self.after(link))

    def after(self, link: Link) -> str:
        """Where people go once it is done."""
        return self.model_admin.address(link)

    def consequences(self, request: HttpRequest, adapter: HostAdapter, link: Any) -> Consequences:
        """What will happen to a link.

        Raises:
            ScimError: it cannot be done.
        """
        raise NotImplementedError

    def perform(
        self, request: HttpRequest, adapter: HostAdapter, link: Any, precondition: Precondition
    ) -> str:
        """Do it, and keep an event of it.

        Returns:
            What was done, in a sentence; empty where there was nothing to do any more.

        Raises:
            ScimError: it cannot be done, or the precondition does not hold.
        """
        raise NotImplementedError

    def render(
        self, request: HttpRequest, link: Link, template: str, context: dict[str, Any]
    ) -> HttpResponse:
        """A page about a link."""
        site = self.model_admin.admin_site
        context = {
            **site.each_context(request),
            "opts": self.model_admin.opts,
            "link": link,
            "label": self.label,
            "title": self.label,
            "list": self.model_admin.list_address,
            "back": self.model_admin.address(link),
            **context,
        }
        request.current_app = site.name
        return TemplateResponse(request, f"tiled_scim/admin/{template}.html", context)


class LetGo(Intervention):
    """End what SCIM manages, as a DELETE does."""

    name = "let-go"
    label = _("Let go")

    def after(self, link: Link) -> str:
        # The link may be gone, with its user.
        return self.model_admin.list_address

    def perform(
        self, request: HttpRequest, adapter: HostAdapter, link: Any, precondition: Precondition
    ) -> str:
        source = Source(link.account, client=client_of(request))
        service = SERVICES[self.model_admin.resource_type.name](adapter, record_of(source))
        service.unlink(link.pk, precondition)
        return gettext("“%(name)s” has been let go of.") % {"name": link}


class LetGoOfUser(LetGo):
    help = _("SCIM stops managing this user, who loses all that it gave.")

    def consequences(
        self, request: HttpRequest, adapter: HostAdapter, link: UserLink
    ) -> Consequences:
        groups = [row["display"] for row in link.group_rows or ()]
        is_deleted = settings.USER_DELETE == "delete"
        return Consequences(
            title=gettext("Let go of the user “%(name)s”?") % {"name": link},
            sentences=[
                gettext("The user is taken out of all groups, with the access that these gave."),
                gettext("The user is deleted from this site for good.")
                if is_deleted
                else gettext("The user stays here, deactivated and no Tiled Admin any more."),
                gettext(
                    "Okta is not told. Remove the assignment there, too, or it finds no such user "
                    "the next time that it pushes a change."
                ),
            ],
            button=gettext("Let go"),
            lists=[Names.of(gettext("Groups"), groups)] if groups else [],
        )


class LetGoOfGroup(LetGo):
    help = _("SCIM stops managing this group. Its members lose the access that it gave.")

    def consequences(
        self, request: HttpRequest, adapter: HostAdapter, link: LibraryGroupLink
    ) -> Consequences:
        losing = GroupMembers(link, adapter, _database()).losing()
        return Consequences(
            title=gettext("Let go of the group “%(name)s”?") % {"name": link},
            sentences=[
                *self._consequences_for_library(adapter, link),
                gettext(
                    "Okta is not told. Unlink the group there, too, or it finds no such group the "
                    "next time that it pushes a change."
                ),
            ],
            button=gettext("Let go"),
            lists=[Names.of(gettext("Who loses access"), [user.name for user in losing])],
        )

    def _consequences_for_library(self, adapter: HostAdapter, link: LibraryGroupLink) -> list[str]:
        if link.library is None:
            return [str(drift.Finding(drift.LIBRARY_DELETED, link))]
        return [
            gettext("The members lose the access that this group alone gave them."),
            gettext("The Library “%(library)s” stays, with all that is in it.")
            % {"library": adapter.library_name(cast(Model, link.library))},
            gettext("Access that people gave by hand, or that another group gives, stays."),
        ]


class Resync(Intervention):
    """Mend a group whose members or Library people changed by hand."""

    name = "resync"
    label = _("Resync")
    help = _("Mends what does not agree with what was pushed, such as access taken away by hand.")

    def consequences(
        self, request: HttpRequest, adapter: HostAdapter, link: LibraryGroupLink
    ) -> Consequences:
        findings = list(drift.of(link, adapter))
        agrees = gettext("Everything agrees with what was pushed. There is nothing to mend.")
        return Consequences(
            title=gettext("Resync the group “%(name)s”?") % {"name": link},
            sentences=[_finding(finding) for finding in findings] or [agrees],
            button=gettext("Mend") if findings else "",
            is_loss=False,
        )

    def perform(
        self, request: HttpRequest, adapter: HostAdapter, link: Any, precondition: Precondition
    ) -> str:
        if repair(link, client_of(request), precondition).is_empty:
            return ""
        return gettext("“%(name)s” has been mended.") % {"name": link}


def client_of(request: HttpRequest) -> str:
    """Who intervenes, as events have it."""
    return f"Django admin: {request.user.get_username()}"


def unchanged_since(seen: str, link: Link) -> Precondition:
    """The precondition that a link is still as a page showed it.

    Args:
        seen: its version then.
    """

    def check(version: str) -> None:
        if version != seen:
            raise precondition_failed(
                gettext(
                    "Nothing was done, because “%(name)s” has changed since this page was opened. "
                    "This is how it is now."
                )
                % {"name": link}
            )

    return check


def _fresh(link: Link) -> Link:
    """The link as it is where it is written to, with all that its version is made of."""
    rows: Any = type(link)._default_manager.using(_database()).filter(pk=link.pk)
    if isinstance(link, UserLink):
        return cast(Link, with_groups(rows.select_related("user")).get())
    return cast(Link, rows.select_related("library").get())


def _finding(finding: drift.Finding) -> str:
    """What does not agree, and what is done about it."""
    mending = gettext("It is mended by %(mending)s.") % {"mending": finding.kind.mending}
    return f"{finding} {mending}"


def _database() -> str:
    return router.db_for_write(LibraryGroupLink)
