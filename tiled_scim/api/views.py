"""HTTP in, HTTP out: the viewsets, and nothing that is a rule of SCIM's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NoReturn, cast

from django.db import connections, transaction
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSetMixin

from tiled_scim.api import discovery
from tiled_scim.api.authentication import (
    AccountEnabled,
    InvalidToken,
    TokenAuthentication,
    account_of,
)
from tiled_scim.api.base_url import base_url
from tiled_scim.api.bulk import Bulk
from tiled_scim.api.etags import if_match, is_listed
from tiled_scim.api.exceptions import exception_handler
from tiled_scim.api.filters import ScimFilterBackend, check_given_once
from tiled_scim.api.parsers import ScimNegotiation, ScimParser, ScimRenderer, check_length
from tiled_scim.api.request_log import REQUEST_ID_HEADER, Activity
from tiled_scim.api.search import everywhere
from tiled_scim.api.search import parameters as search_parameters
from tiled_scim.api.throttling import AddressThrottle, Throttle, TokenThrottle
from tiled_scim.attributes import ResourceType
from tiled_scim.audit.events import Change
from tiled_scim.conf import settings
from tiled_scim.errors import ScimError, forbidden, not_found
from tiled_scim.host import HostAdapter
from tiled_scim.models import Link, ScimToken
from tiled_scim.provisioning.endpoints import Endpoint
from tiled_scim.provisioning.resources import Renderer, Resource, Resources, Selection, version
from tiled_scim.provisioning.service import Precondition
from tiled_scim.schemas import GROUP, RESOURCE_TYPES, USER
from tiled_scim.sql.pages import Page, paginate

LIST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def non_atomic_requests(view: Callable[..., Any]) -> Callable[..., Any]:
    """Take a view out of the host's ATOMIC_REQUESTS, on all of its databases.

    A refused request must leave its traces behind, and one that is tried again needs a transaction
    of its own.
    """
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


@method_decorator(non_atomic_requests, name="dispatch")
class ScimView(APIView):
    """Pins everything that a host's `REST_FRAMEWORK` settings and middleware could change."""

    authentication_classes = (TokenAuthentication,)
    permission_classes = (AccountEnabled,)
    parser_classes = (ScimParser,)
    renderer_classes = (ScimRenderer,)
    content_negotiation_class = ScimNegotiation
    throttle_classes = ()  # see `perform_authentication`
    versioning_class = None
    metadata_class = None
    http_method_names = ("get", "post", "put", "patch", "delete", "head")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.activity = Activity(request)
        response = super().dispatch(request, *args, **kwargs)
        self._note(response)
        self.activity.end(response.status_code)
        response.headers[REQUEST_ID_HEADER] = self.activity.request_id
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        check_length(request)
        # Django would read the query in the charset of the body, or fail to.
        self.activity.request.encoding = "utf-8"

    def perform_authentication(self, request: Request) -> None:
        try:
            super().perform_authentication(request)
        except AuthenticationFailed as error:
            if isinstance(error, InvalidToken):
                self.activity.token = error.token
            self.check_throttle(request, AddressThrottle)
            raise
        self.activity.token = cast(ScimToken, request.auth)
        # Before anything else is found out, so that whoever is refused is counted, too.
        self.check_throttle(request, TokenThrottle)

    def _note(self, response: Any) -> None:
        """Keep an event of a write, and of every request that was refused or failed."""
        error = response.data if response.status_code >= 400 else None
        change = self.change or (self.target if error else None)
        if change is not None:
            method = self.request.method or ""
            self.activity.note(change, response.status_code, error, method=method)

    @property
    def change(self) -> Change | None:
        """What the request did to a resource, or tried to; None where it was to read."""
        return None

    @property
    def target(self) -> Change:
        """What the request is about, as far as its path tells."""
        return Change()

    @property
    def adapter(self) -> HostAdapter:
        """The host, for the account that is calling."""
        return settings.HOST_ADAPTER(account_of(self.request))

    @property
    def parameters(self) -> QueryDict:
        """The query: of the URL, or of a SearchRequest message."""
        if getattr(self, "action", None) == "search":
            return search_parameters(self.request.data)
        return self.request.query_params

    @property
    def base_url(self) -> str:
        """The SCIM base URL, without a slash at its end."""
        return base_url(self.request)

    def get_exception_handler(self) -> Callable[[Exception, Mapping[str, Any]], Response]:
        return exception_handler

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
        # In our own words, as those of DRF's errors are in the host's language.
        raise ScimError(405, f"{request.method} is not allowed at {request.path}.")

    def check_throttle(self, request: Request, throttle_class: type[Throttle]) -> None:
        """Count the request.

        Raises:
            ScimError: 429, where there were too many; Okta reads whole seconds in `Retry-After`.
        """
        if not settings.THROTTLE:
            return
        throttle = throttle_class()
        if throttle.allow_request(request, self):
            return
        seconds = math.ceil(throttle.wait())
        raise ScimError(
            429,
            f"Too many requests: try again in {seconds} seconds.",
            headers={"Retry-After": str(seconds)},
        )


class ResourceViewSet(ViewSetMixin, ScimView):
    """What Users and Groups have in common."""

    resource_type: ClassVar[ResourceType]

    @cached_property
    def endpoint(self) -> Endpoint:
        return Endpoint(self.resource_type, self.adapter)

    @property
    def change(self) -> Change | None:
        # Before there is an endpoint, it is not known whose.
        endpoint: Endpoint | None = vars(self).get("endpoint")
        return endpoint.change if endpoint else None

    @property
    def target(self) -> Change:
        return Change(self.resource_type.name, self.kwargs.get("key", ""))

    def list(self, request: Request) -> Response:
        rows = ScimFilterBackend().filter_queryset(request, self.endpoint.rows(), self)
        page = paginate(rows, self.parameters, self.adapter.account)
        return Response(list_response(self.render(page.rows), page))

    def search(self, request: Request) -> Response:
        """`POST /.search`: a query that is no part of a URL, and of no log of URLs."""
        return self.list(request)

    def retrieve(self, request: Request, key: str) -> Response:
        link = self.endpoint.get(key)
        tag = version(link, self.adapter)
        if is_listed(tag, request.headers.get("If-None-Match", "")):
            return Response(status=304, headers={"ETag": tag})
        return self.answer(link)

    def create(self, request: Request) -> Response:
        return self.answer(self.endpoint.create(request.data), 201)

    def update(self, request: Request, key: str) -> Response:
        return self.answer(self.endpoint.replace(key, request.data, self.precondition))

    def partial_update(self, request: Request, key: str) -> Response:
        return self.answer(self.endpoint.patch(key, request.data, self.precondition))

    def destroy(self, request: Request, key: str) -> Response:
        self.endpoint.delete(key, self.precondition)
        return Response(status=204)

    def answer(self, link: Link, status: int = 200) -> Response:
        """One resource, or for a status of 204 nothing, with its entity tag and location."""
        headers = {"ETag": version(link, self.adapter)}
        if status == 201:
            headers["Location"] = self.renderer.location(self.resource_type, link.pk)
        body = None if status == 204 else self.render([link])[0]
        return Response(body, status=status, headers=headers)

    def render(self, links: Sequence[Link]) -> Resources:
        return self.renderer.render(links)

    @property
    def renderer(self) -> Renderer:
        selection = Selection.parse(self.parameters, self.resource_type)
        return Renderer(self.adapter, self.base_url, selection)

    @property
    def precondition(self) -> Precondition | None:
        return if_match(self.request.headers.get("If-Match"), self.adapter)


class UserViewSet(ResourceViewSet):
    """`/Users`."""

    resource_type = USER


class GroupViewSet(ResourceViewSet):
    """`/Groups`."""

    resource_type = GROUP

    def partial_update(self, request: Request, key: str) -> Response:
        """204 without a body (RFC 7644 section 3.5.2): a large group need not be sent back."""
        link = self.endpoint.patch(key, request.data, self.precondition)
        return self.answer(link, 200 if "attributes" in request.query_params else 204)


class RootViewSet(ViewSetMixin, ScimView):
    """Resources of all types: the base URL, and `/.search` below it."""

    def list(self, request: Request) -> Response:
        endpoints = [Endpoint(resource_type, self.adapter) for resource_type in RESOURCE_TYPES]
        check_given_once(self.parameters)
        page = everywhere(endpoints, self.parameters)
        resources = [
            resource
            for endpoint in endpoints
            for resource in self.renderer(endpoint.resource_type).render(
                [row for row in page.rows if isinstance(row, endpoint.provisioning.model)]
            )
        ]
        return Response(list_response(resources, page))

    def search(self, request: Request) -> Response:
        return self.list(request)

    def renderer(self, resource_type: ResourceType) -> Renderer:
        selection = Selection.parse(self.parameters, resource_type)
        return Renderer(self.adapter, self.base_url, selection)


class BulkView(ScimView):
    """`/Bulk`."""

    def post(self, request: Request) -> Response:
        bulk = Bulk(Renderer(self.adapter, self.base_url), self.activity.note)
        return Response(bulk.run(request.data))


class ServiceProviderConfigView(ScimView):
    """`/ServiceProviderConfig`, and the plural that Okta's product guide names."""

    def get(self, request: Request) -> Response:
        return Response(discovery.service_provider_config(self.base_url))


class ResourceTypesView(ScimView):
    """`/ResourceTypes`."""

    def get(self, request: Request) -> Response:
        return Response(unfiltered(request, discovery.resource_types(self.base_url)))


class ResourceTypeView(ScimView):
    """`/ResourceTypes/{id}`."""

    def get(self, request: Request, key: str) -> Response:
        return Response(named(discovery.resource_types(self.base_url), key))


class SchemasView(ScimView):
    """`/Schemas`."""

    def get(self, request: Request) -> Response:
        return Response(unfiltered(request, discovery.schemas(self.base_url)))


class SchemaView(ScimView):
    """`/Schemas/{urn}`."""

    def get(self, request: Request, key: str) -> Response:
        return Response(named(discovery.schemas(self.base_url), key))


class MeView(ScimView):
    """`/Me`: a token belongs to an identity provider, which is no User (RFC 7644 section 3.11)."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise ScimError(501, "A token is an identity provider's, so that there is no User /Me.")


class UnknownView(ScimView):
    """Every other path below the mount."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise not_found(f"There is nothing at {request.path}.")


def list_response(resources: Sequence[Resource], page: Page[Any]) -> Resource:
    """A ListResponse: RFC 7644 section 3.4.2, with the cursors of RFC 9865 section 2.2."""
    pagination = {
        "startIndex": page.start_index,
        "nextCursor": page.next_cursor,
        "previousCursor": page.previous_cursor,
    }
    return {
        "schemas": [LIST_SCHEMA],
        "totalResults": page.total,
        **{name: value for name, value in pagination.items() if value is not None},
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }


def unfiltered(request: Request, resources: Sequence[Resource]) -> Resource:
    """All of them on one page; a filter is refused (RFC 7644 section 4).

    Raises:
        ScimError: 403, where the client sent one.
    """
    if "filter" in request.query_params:
        raise forbidden("Discovery endpoints cannot be filtered.")
    return list_response(resources, Page(list(resources), len(resources), 1))


def named(resources: Sequence[Resource], key: str) -> Resource:
    """The one with this id, in any letter case.

    Raises:
        ScimError: 404.
    """
    for resource in resources:
        if resource["id"].lower() == key.lower():
            return resource
    raise not_found(f"There is no resource with the id {key}.")
