"""Paginate by index (RFC 7644 section 3.4.2.4) and by cursor (RFC 9865).

The module is long, because both read the same order from the same index.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core import signing
from django.db import connections
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import Col, OrderBy

from tiled_scim.conf import settings
from tiled_scim.database.expressions import Among
from tiled_scim.errors import ScimError, invalid_request
from tiled_scim.scim.numbers import is_integer

Row = TypeVar("Row")

# The maximum of all supported databases. No host has so many rows.
MAX_OFFSET = 2**31 - 1
# int() accepts "1_000", too, and fails for more digits.
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,4000}")
# In seconds. It can be long, because a cursor is only a position and keeps nothing open.
CURSOR_TIMEOUT = 3600
# The annotation that rows are sorted by if the client sent `sortBy`.
SORT_KEY = "sort_key"
# Sorting by these columns gives a total order.
TIES = ["created_at", "pk"]
# MariaDB and MySQL read a range of an index only if it is a small part of the table. Otherwise they
# read all rows before it. There, a page is searched in one stretch of the index after another.
STRETCHED = {"mysql"}
# The first stretch is so many times as long as a page, and each later one as the one before.
STRETCH = 10


# Returns a query for columns of links.
Columns = Callable[[QuerySet[Any]], QuerySet[Any, Any]]


# Returns how many of some rows fit on a page, from the first, and at least one if there is one.
Fit = Callable[[list[Any]], int]


@dataclass(frozen=True)
class Page(Generic[Row]):
    """A page of rows, and the total number of rows.

    Pages by cursor have no `start_index`. Only they have cursors.
    """

    rows: list[Row]
    total: int
    start_index: int | None = None
    next_cursor: str | None = None
    previous_cursor: str | None = None


@dataclass(frozen=True)
class Cursor:
    """The position of a page: after a row, or before it.

    Args:
        query: A fingerprint of the query that the cursor belongs to.
        count: The page size.
        total: The number of rows when the first page was read. It is not counted again.
        position: The sort key, time of creation and id of the row.
        is_backward: Whether the page ends before the row instead of starting after it.
    """

    query: str
    count: int
    total: int
    position: list[Any]
    is_backward: bool

    def encode(self) -> str:
        """Return the cursor as an opaque, signed text."""
        return _signer().sign_object(vars(self), compress=True)

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """Return the cursor that `encode` made the text from.

        Raises:
            ScimError: expiredCursor or invalidCursor.
        """
        try:
            return cls(**_signer().unsign_object(text, max_age=CURSOR_TIMEOUT))
        except signing.SignatureExpired:
            raise ScimError(
                400,
                f"The cursor is older than {CURSOR_TIMEOUT} seconds. Begin with an empty one.",
                "expiredCursor",
            ) from None
        except signing.BadSignature:
            raise _invalid_cursor() from None


def paginate(
    links: QuerySet[Any],
    parameters: Mapping[str, str],
    account: str,
    columns: Columns,
    fit: Fit,
) -> Page[Any]:
    """Return the page that `startIndex` and `count`, or `cursor` and `count`, ask for.

    Args:
        links: Links in a total order: by `SORT_KEY` if there is one, then by `created_at` and `pk`.
        parameters: The query.
        account: The account of the links. Cursors are bound to it.
        columns: Selects what to read of the links on the page, at least `created_at`, `pk` and
            `SORT_KEY`. It must not add conditions.
        fit: Returns how many of the rows fit on the page, which may be fewer than `count`.

    Raises:
        ScimError: invalidValue, invalidCursor, expiredCursor or invalidCount.
    """
    if "cursor" in parameters:
        return _cursor_page(links, parameters, account, columns, fit)
    return index_page(links, start_index(parameters), page_size(parameters), columns, fit)


def index_page(
    links: QuerySet[Any],
    first: int,
    count: int,
    columns: Columns,
    fit: Fit,
) -> Page[Any]:
    """Return a page of `count` links, starting with link number `first`, counted from 1.

    The total is counted only if the page does not tell it, so that a lookup is one query.

    Args:
        columns: Selects what to read: see `paginate`.
        fit: See `paginate`.
    """
    offset = min(first - 1, MAX_OFFSET)
    found = list(columns(_stretch(links, offset, count + 1))) if count else []
    is_last = bool(count) and len(found) <= count and (bool(found) or offset == 0)
    total = offset + len(found) + (0 if is_last else _number_beyond(links, offset, found))
    on_page = found[:count]
    return Page(on_page[: fit(on_page)], total, first)


def _stretch(links: QuerySet[Any], offset: int, size: int) -> QuerySet[Any]:
    """Return `size` links from an offset on.

    Past the first page, their ids are found first. The index that has the order is enough for that,
    so that the database reads no row of the links before the offset.
    """
    stretch = slice(offset, offset + size)
    if not offset:
        return links[stretch]
    return links.filter(Among(F("pk"), links.values("pk")[stretch], most=size))


def _number_beyond(links: QuerySet[Any], offset: int, found: list[Any]) -> int:
    """Count the links after those that were found from an offset on.

    The database has passed over the links before them already, so they are not counted again.
    """
    order = _Order(links, is_backward=False)
    if offset and found and not order.is_sorted:
        return links.filter(order.beyond(order.position(found[-1]))).count()
    return links.count() - offset - len(found)


def start_index(parameters: Mapping[str, str]) -> int:
    """Return the requested `startIndex`, at least 1."""
    return max(1, _integer(parameters, "startIndex", 1))


def page_size(parameters: Mapping[str, str]) -> int:
    """Return the requested `count`, within its limits."""
    return min(max(0, _integer(parameters, "count", settings.PAGE_SIZE)), settings.MAX_PAGE_SIZE)


def page_beyond(
    links: QuerySet[Any],
    cursor: Cursor,
    account: str,
    columns: Columns,
    fit: Fit,
) -> Page[Any]:
    """Return the page beyond the cursor's link, or the first one if the cursor has no position.

    Args:
        columns: Selects what to read: see `paginate`.
        fit: See `paginate`.
    """
    order = _Order(links, cursor.is_backward)
    ahead = _beyond(links, order, cursor, account, columns)
    found = ahead[: cursor.count]
    found = found[: fit(found)]
    is_more = len(ahead) > len(found)
    if cursor.is_backward:
        found.reverse()

    def at(row: Any, is_backward: bool) -> str:
        position = order.position(row)
        return Cursor(cursor.query, cursor.count, cursor.total, position, is_backward).encode()

    has_next, has_previous = is_more, bool(cursor.position)
    if cursor.is_backward:
        has_next, has_previous = has_previous, has_next
    return Page(
        found,
        cursor.total,
        next_cursor=at(found[-1], False) if found and has_next else None,
        previous_cursor=at(found[0], True) if found and has_previous else None,
    )


def _cursor_page(
    links: QuerySet[Any],
    parameters: Mapping[str, str],
    account: str,
    columns: Columns,
    fit: Fit,
) -> Page[Any]:
    if parameters.get("startIndex", "").strip():
        raise invalid_request("Send cursor or startIndex, and not both.")
    count = _cursor_count(parameters)
    query = _fingerprint(parameters, f"{account}:{links.model.__name__}")
    text = parameters["cursor"].strip()
    cursor = Cursor.decode(text) if text else Cursor(query, count, links.count(), [], False)
    if cursor.query != query:
        raise _invalid_cursor()
    if cursor.count != count:
        raise _invalid_count(f"count must stay {cursor.count}, as it was with the first page.")
    return page_beyond(links, cursor, account, columns, fit)


def _beyond(
    links: QuerySet[Any], order: _Order, cursor: Cursor, account: str, columns: Columns
) -> list[Any]:
    """Return the links of a page in its order, and one more if there is one."""
    every = links.model._default_manager.using(links.db).filter(_range_of(account))
    size = cursor.count + 1
    found: list[Any] = []
    for stretch in order.stretches(cursor.position, every, STRETCH * size):
        ahead = links.filter(stretch).order_by(*order.terms)
        found += columns(ahead[: size - len(found)])
        if len(found) == size:
            break
    return found


class _Order:
    """The order of a query's rows, or the reverse order."""

    def __init__(self, rows: QuerySet[Any], is_backward: bool) -> None:
        first = next(iter(rows.query.order_by), None)
        self.is_sorted = isinstance(first, OrderBy)
        self.is_backward = is_backward
        self.is_descending = isinstance(first, OrderBy) and first.descending != is_backward
        key = rows.query.annotations.get(SORT_KEY)
        self.can_be_absent = not isinstance(key, Col) or key.target.null

    @property
    def terms(self) -> list[Any]:
        """Return the terms to order by.

        Rows without a sort key are last in ascending order, and first in descending order.
        """
        ties = [f"-{name}" for name in TIES] if self.is_backward else TIES
        return [*(sorted_terms(self.is_descending) if self.is_sorted else []), *ties]

    def position(self, row: Any) -> list[Any]:
        """Return the position of a row, for `beyond`."""
        key = getattr(row, SORT_KEY) if self.is_sorted else None
        return [_as_json(key), str(row.created_at), str(row.pk)]

    def stretches(self, position: list[Any], links: QuerySet[Any], size: int) -> Iterator[Q]:
        """Yield conditions for the rows beyond a position, one stretch after the other.

        Args:
            position: The position.
            links: All links of the account, so that the index is enough to find a stretch's end.
            size: The number of links in the first stretch.
        """
        is_stretched = not self.is_sorted and connections[links.db].vendor in STRETCHED
        while position and is_stretched and (end := self._end(position, links, size)):
            yield self.beyond(position) & self._up_to(end)
            position, size = [None, *end], STRETCH * size
        yield self.beyond(position)

    def beyond(self, position: list[Any]) -> Q:
        """Return the condition for rows beyond a position, or for all rows without a position."""
        if not position:
            return Q()
        key, *ties = position
        way = "lt" if self.is_backward else "gt"
        after = _side(way, way, *ties)
        return self._beyond_key(key, after) if self.is_sorted else after

    def _end(self, position: list[Any], links: QuerySet[Any], size: int) -> tuple[Any, ...] | None:
        """Return the time of creation and the id of the link `size` links beyond a position."""
        order = ["-account" if self.is_backward else "account", *self.terms]
        ahead = links.filter(self.beyond(position)).order_by(*order)
        return ahead.values_list(*TIES)[size:].first()

    def _up_to(self, end: tuple[Any, ...]) -> Q:
        way = "gt" if self.is_backward else "lt"
        return _side(way, f"{way}e", *end)

    def _beyond_key(self, key: Any, ties: Q) -> Q:
        absent = Q(**{f"{SORT_KEY}__isnull": True})
        if key is None:
            return absent & ties | ~absent if self.is_descending else absent & ties
        way = "lt" if self.is_descending else "gt"
        beyond = Q(**{f"{SORT_KEY}__{way}": key}) | Q(**{SORT_KEY: key}) & ties
        beyond &= Q(**{f"{SORT_KEY}__{way}e": key})  # for an index, as in `_side`
        if self.is_descending or not self.can_be_absent:
            return beyond
        return beyond | absent


def _range_of(account: str) -> Q:
    """Return the condition for links of an account, as a range.

    With an equation, MariaDB may plan to read all links of the account, and not only those beyond a
    position: it does so when it overestimates their number. A range leaves it no choice, provided
    that rows are sorted by the account first, as the index is.
    """
    return Q(account__gte=account, account__lte=account)


def _side(way: str, pk_way: str, created_at: Any, pk: Any) -> Q:
    """Return the condition for rows before or after a time, or at that time and beyond an id."""
    side = Q(**{f"created_at__{way}": created_at}) | Q(**{f"pk__{pk_way}": pk})
    # Redundant, but lets the database use an index, so that deep pages cost no more.
    return side & Q(**{f"created_at__{way}e": created_at})


def _as_json(key: Any) -> Any:
    """Return a sort key for a cursor. Queries accept times, ids and decimals as text, too."""
    return key if key is None or isinstance(key, str | int | float) else str(key)


def sorted_terms(is_descending: bool) -> list[OrderBy]:
    """Return the terms to order by the sort key.

    Rows without a value are last in ascending order, and first in descending order.
    """
    key = F(SORT_KEY)
    if is_descending:
        return [key.desc(nulls_first=True)]
    return [key.asc(nulls_last=True)]


def _signer() -> signing.TimestampSigner:
    # A cursor may only contain unreserved characters, such as "~" (RFC 9865 section 2).
    return signing.TimestampSigner(salt="tiled_scim.cursor", sep="~")


def _fingerprint(parameters: Mapping[str, str], scope: str) -> str:
    """Return a hash of everything that determines the rows and their order."""
    query = [scope, *(parameters.get(name, "") for name in ("filter", "sortBy", "sortOrder"))]
    return hashlib.sha256(json.dumps(query).encode()).hexdigest()[:16]


def _cursor_count(parameters: Mapping[str, str]) -> int:
    """Return the `count` of a request with a cursor, for which RFC 9865 section 2.4 is stricter."""
    try:
        count = _integer(parameters, "count", settings.PAGE_SIZE)
    except ScimError as error:
        raise _invalid_count(error.detail) from None
    if not 0 <= count <= settings.MAX_PAGE_SIZE:
        raise _invalid_count(f"count must be between 0 and {settings.MAX_PAGE_SIZE}.")
    return count


def _invalid_count(detail: str) -> ScimError:
    return ScimError(400, detail, "invalidCount")


def _invalid_cursor() -> ScimError:
    return ScimError(
        400,
        "The cursor is none of this query's. Begin with an empty one, and go on with nextCursor "
        "and the same filter and order.",
        "invalidCursor",
    )


def _integer(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, "").strip()
    if not text:
        return default
    if not WHOLE_NUMBER.fullmatch(text):
        raise invalid_request(f"{name} must be a whole number, and “{text[:20]}” is not.")
    number = int(text)
    if not is_integer(number):
        raise invalid_request(f"{name} must be a whole number of at most 64 bits.")
    return number
