"""Pages by index (RFC 7644 section 3.4.2.4) and by cursor (RFC 9865)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core import signing
from django.db import connections
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import Col, OrderBy

from tiled_scim.conf import settings
from tiled_scim.database.expressions import Among
from tiled_scim.errors import ScimError, invalid_value

Row = TypeVar("Row")

# The largest that every supported database takes; no host has as many rows.
MAX_OFFSET = 2**31 - 1
# Python would take "1_000" for one, too, and fail with more digits.
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,4000}")
# Seconds. A cursor is a position and holds nothing open, so that this can be long.
CURSOR_TIMEOUT = 3600
# The annotation that `sortBy` orders by, where there is one.
SORT_KEY = "sort_key"
# What makes an order total.
TIES = ["created_at", "pk"]
# MariaDB and MySQL read a range of an index only where that is a small part of the table, and pass
# over all the rows before it otherwise. They look for a page in one stretch of it after another.
STRETCHED = {"mysql"}
# How many times as long as a page the first stretch is, and each other one as the one before.
STRETCH = 10


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of a query's rows, and the number of them all.

    `start_index` is None, and the cursors may be there, where the client pages by cursor.
    """

    rows: list[Row]
    total: int
    start_index: int | None = None
    next_cursor: str | None = None
    previous_cursor: str | None = None


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: beyond a row, forward or backward.

    Args:
        query: a fingerprint of the query that the cursor belongs to.
        count: the size of its pages.
        total: the number of rows when the first page was read, which is not counted again.
        position: sort key, moment of creation and id of the row.
        is_backward: whether the page ends before the row, and does not begin after it.
    """

    query: str
    count: int
    total: int
    position: list[Any]
    is_backward: bool

    def encode(self) -> str:
        """The opaque text, signed: a client cannot make one up."""
        return _signer().sign_object(vars(self), compress=True)

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """The inverse of `encode`.

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


def paginate(rows: QuerySet[Any], parameters: Mapping[str, str], account: str) -> Page[Any]:
    """The page that `startIndex` and `count`, or `cursor` and `count`, ask for.

    Args:
        rows: links in a total order: by `SORT_KEY` if at all, then by `created_at` and `pk`.
        account: theirs, which a cursor is bound to.

    Raises:
        ScimError: invalidValue, invalidCursor, expiredCursor or invalidCount.
    """
    if "cursor" in parameters:
        return _cursor_page(rows, parameters, account)
    return index_page(rows, start_index(parameters), page_size(parameters))


def index_page(rows: QuerySet[Any, Any], first: int, count: int) -> Page[Any]:
    """The page of `count` rows that begins with the `first`, counted from 1.

    The total is counted only where the page does not tell it, so that a lookup is one query.
    """
    offset = min(first - 1, MAX_OFFSET)
    found = list(_stretch(rows, offset, count + 1)) if count else []
    is_last = bool(count) and len(found) <= count and (bool(found) or offset == 0)
    total = offset + len(found) + (0 if is_last else _number_beyond(rows, offset, found))
    return Page(found[:count], total, first)


def _stretch(rows: QuerySet[Any], offset: int, size: int) -> QuerySet[Any]:
    """So many rows from an offset on.

    Deep in a list their ids are found first, for which the index that has the order is enough: of
    those before the offset, which the database has to pass over, no row is read.
    """
    stretch = slice(offset, offset + size)
    return rows.filter(Among(F("pk"), rows.values("pk")[stretch])) if offset else rows[stretch]


def _number_beyond(rows: QuerySet[Any], offset: int, found: list[Any]) -> int:
    """How many rows there are beyond those that were found from an offset on.

    Those before them were passed over already, and are not counted again.
    """
    order = _Order(rows, is_backward=False)
    if offset and found and not order.is_sorted:
        return rows.filter(order.beyond(order.position(found[-1]))).count()
    return rows.count() - offset - len(found)


def start_index(parameters: Mapping[str, str]) -> int:
    """The `startIndex` asked for, which is at least 1."""
    return max(1, _integer(parameters, "startIndex", 1))


def page_size(parameters: Mapping[str, str]) -> int:
    """The `count` asked for, within bounds."""
    return min(max(0, _integer(parameters, "count", settings.PAGE_SIZE)), settings.MAX_PAGE_SIZE)


def page_beyond(rows: QuerySet[Any, Any], cursor: Cursor, account: str) -> Page[Any]:
    """The page beyond the cursor's row; without a position, the first."""
    order = _Order(rows, cursor.is_backward)
    found = _rows_beyond(rows, order, cursor, account)
    is_more = len(found) > cursor.count
    found = found[: cursor.count]
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


def _cursor_page(rows: QuerySet[Any], parameters: Mapping[str, str], account: str) -> Page[Any]:
    if parameters.get("startIndex", "").strip():
        raise invalid_value("Send cursor or startIndex, and not both.")
    count = _cursor_count(parameters)
    query = _fingerprint(parameters, f"{account}:{rows.model.__name__}")
    text = parameters["cursor"].strip()
    if not text:
        return page_beyond(rows, Cursor(query, count, rows.count(), [], False), account)
    cursor = Cursor.decode(text)
    if cursor.query != query:
        raise _invalid_cursor()
    if cursor.count != count:
        raise _invalid_count(f"count must stay {cursor.count}, as it was with the first page.")
    return page_beyond(rows, cursor, account)


def _rows_beyond(rows: QuerySet[Any], order: _Order, cursor: Cursor, account: str) -> list[Any]:
    """The rows of a page in its order, and one more where there is one."""
    links = rows.model._default_manager.using(rows.db).filter(account=account)
    size = cursor.count + 1
    found: list[Any] = []
    for stretch in order.stretches(cursor.position, links, STRETCH * size):
        found += rows.filter(stretch).order_by(*order.terms)[: size - len(found)]
        if len(found) == size:
            break
    return found


class _Order:
    """The order of a query's rows, or its reverse."""

    def __init__(self, rows: QuerySet[Any], is_backward: bool) -> None:
        first = next(iter(rows.query.order_by), None)
        self.is_sorted = isinstance(first, OrderBy)
        self.is_backward = is_backward
        self.is_descending = isinstance(first, OrderBy) and first.descending != is_backward
        key = rows.query.annotations.get(SORT_KEY)
        self.can_be_absent = not isinstance(key, Col) or key.target.null

    @property
    def terms(self) -> list[Any]:
        """What to order by. Rows without a sort key are last, and first in descending order."""
        ties = [f"-{name}" for name in TIES] if self.is_backward else TIES
        return [*(sorted_terms(self.is_descending) if self.is_sorted else []), *ties]

    def position(self, row: Any) -> list[Any]:
        """What `beyond` needs to know of a row."""
        key = getattr(row, SORT_KEY) if self.is_sorted else None
        return [_as_json(key), str(row.created_at), str(row.pk)]

    def stretches(self, position: list[Any], links: QuerySet[Any], size: int) -> Iterator[Q]:
        """Conditions for the rows beyond a position, one stretch after the other.

        Args:
            links: all of the account, so that the index alone tells where a stretch ends.
            size: how many of them the first stretch has.
        """
        is_stretched = not self.is_sorted and connections[links.db].vendor in STRETCHED
        while position and is_stretched and (end := self._end(position, links, size)):
            yield self.beyond(position) & self._up_to(end)
            position, size = [None, *end], STRETCH * size
        yield self.beyond(position)

    def beyond(self, position: list[Any]) -> Q:
        """The rows that come after the one at this position; without one, all."""
        if not position:
            return Q()
        key, *ties = position
        way = "lt" if self.is_backward else "gt"
        after = _side(way, way, *ties)
        return self._beyond_key(key, after) if self.is_sorted else after

    def _end(self, position: list[Any], links: QuerySet[Any], size: int) -> tuple[Any, ...] | None:
        """Moment and id of the link that is so many links beyond a position."""
        ahead = links.filter(self.beyond(position)).order_by(*self.terms)
        return ahead.values_list(*TIES)[size : size + 1].first()

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


def _side(way: str, pk_way: str, created_at: Any, pk: Any) -> Q:
    """The rows before or after a moment, and those of the moment before or after an id."""
    side = Q(**{f"created_at__{way}": created_at}) | Q(**{f"pk__{pk_way}": pk})
    # In a form that an index understands, so that deep pages cost no more.
    return side & Q(**{f"created_at__{way}e": created_at})


def _as_json(key: Any) -> Any:
    """A sort key as a cursor has it. Queries take text for moments, ids and exact numbers, too."""
    return key if key is None or isinstance(key, str | int | float) else str(key)


def sorted_terms(is_descending: bool) -> list[OrderBy]:
    """Ordering by the annotation: rows without a value last, and first in descending order."""
    key = F(SORT_KEY)
    if is_descending:
        return [key.desc(nulls_first=True)]
    return [key.asc(nulls_last=True)]


def _signer() -> signing.TimestampSigner:
    # RFC 9865 section 2: a cursor has unreserved characters only, as "~" is.
    return signing.TimestampSigner(salt="tiled_scim.cursor", sep="~")


def _fingerprint(parameters: Mapping[str, str], scope: str) -> str:
    """Of all that decides which rows there are, and in which order."""
    query = [scope, *(parameters.get(name, "") for name in ("filter", "sortBy", "sortOrder"))]
    return hashlib.sha256(json.dumps(query).encode()).hexdigest()[:16]


def _cursor_count(parameters: Mapping[str, str]) -> int:
    """The `count` of a request with a cursor, where RFC 9865 section 2.4 is stricter."""
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
        raise invalid_value(f"{name} must be a whole number, and “{text[:20]}” is not.")
    return int(text)
