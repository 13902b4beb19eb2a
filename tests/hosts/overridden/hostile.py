"""Parts for REST_FRAMEWORK and MIDDLEWARE that break every answer which they get into."""

from __future__ import annotations

from typing import Any, NoReturn

from rest_framework.authentication import BaseAuthentication
from rest_framework.filters import BaseFilterBackend
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.pagination import BasePagination
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.throttling import BaseThrottle
from rest_framework.versioning import BaseVersioning


def refuse(*args: Any, **kwargs: Any) -> NoReturn:
    raise AssertionError("a setting of the host's got into SCIM")


class Authentication(BaseAuthentication):
    authenticate = refuse


class Permission(BasePermission):
    has_permission = refuse


class Parser(BaseParser):
    media_type = "*/*"
    parse = refuse


class Renderer(BaseRenderer):
    media_type = "application/xml"
    format = "xml"
    render = refuse


class Negotiation(BaseContentNegotiation):
    select_parser = select_renderer = refuse


class Versioning(BaseVersioning):
    determine_version = reverse = refuse


class Throttle(BaseThrottle):
    allow_request = refuse


class Pagination(BasePagination):
    paginate_queryset = refuse


class FilterBackend(BaseFilterBackend):
    filter_queryset = refuse
