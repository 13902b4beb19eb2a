"""Search terms as conditions that an index supports, and pages of large tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.utils.functional import cached_property

from tiled_scim.audit.addresses import network_of, normalized
from tiled_scim.models import Link, ScimEvent
from tiled_scim.scim.identifiers import as_uuid
from tiled_scim.scim.text import canonical

if TYPE_CHECKING:
    BasePaginator = Paginator[Any]
else:
    BasePaginator = Paginator  # takes a type argument in its type stubs only

# The last Unicode code point: sorts after every other character.
LAST_CHARACTER = "\U0010ffff"


class CappedPaginator(BasePaginator):
    """A paginator that only counts and shows the first rows of a table."""

    MOST = 10_000

    @cached_property
    def count(self) -> int:
        return min(self._counted, self.MOST)

    @cached_property
    def is_capped(self) -> bool:
        """Return whether the table has more rows than are shown."""
        return self._counted > self.MOST

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: self.MOST + 1].count())


def found_events(events: QuerySet[ScimEvent], term: str) -> QuerySet[ScimEvent]:
    """Return the events that a term finds, in any column that fits it.

    A client may choose the request id and the names, so one column does not hide what others find.

    Args:
        events: The events to search, of one account or of all.
        term: An IP address, a request id, a SCIM id or the beginning of a name. "" finds all.
    """
    if not term:
        return events
    found = Q(request_id=term) | starts_with("resource_name_canonical", term)
    if address := normalized(term):
        # Refusals of strangers have their network.
        found |= Q(address__in={address, network_of(address)})
    if key := as_uuid(term):
        found |= Q(resource_id=key)
    return events.filter(found)


def found_links(links: QuerySet[Any], model: type[Link], term: str) -> QuerySet[Any]:
    """Return the links with this SCIM id or externalId, or whose name begins with the term."""
    if not term:
        return links
    key = as_uuid(term)
    found = Q(pk=key) if key else starts_with(f"{model.name_field}_canonical", term)
    return links.filter(found | Q(external_id=term))


def starts_with(column: str, text: str) -> Q:
    """Return the condition that a canonical name starts with a text, as an indexable range."""
    form = canonical(text)
    return Q((f"{column}__gte", form), (f"{column}__lt", form + LAST_CHARACTER))
