"""The views. They turn requests into calls of other modules, and results into responses.

The module is long, because the methods of both endpoints share one base class.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, NoReturn, cast

from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
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
    check_again,
)
from tiled_scim.api.base_url import base_url
from tiled_scim.api.bulk import Bulk
from tiled_scim.api.credentials import Credential
from tiled_scim.api.endpoints import Endpoint, sent_name
from tiled_scim.api.etags import is_listed, of_write
from tiled_scim.api.exceptions import ErrorResponse, exception_handler
from tiled_scim.api.filters import ScimFilterBackend, check_given_once
from tiled_scim.api.negotiation import ScimNegotiation, ScimRenderer
from tiled_scim.api.parsers import ScimParser, check_length
from tiled_scim.api.rendering import Renderer, encode
from tiled_scim.api.request_log import REQUEST_ID_HEADER, RequestLog
from tiled_scim.api.responses import keep_from_caches, list_response, named, unfiltered
from tiled_scim.api.search import everywhere
from tiled_scim.api.search import parameters as search_parameters
from tiled_scim.api.spellings import endpoint_of
from tiled_scim.api.throttling import (
    CredentialThrottle,
    EndedThrottle,
    NetworkThrottle,
    StrangersThrottle,
    Throttle,
)
from tiled_scim.attributes import ResourceType
from tiled_scim.audit.events import Change
from tiled_scim.conf import settings
from tiled_scim.database.connections import non_atomic_requests
from tiled_scim.errors import ScimError, not_found
from tiled_scim.host import HostAdapter
from tiled_scim.provisioning.resources import StoredResource
from tiled_scim.provisioning.service import Precondition, Record
from tiled_scim.schemas import GROUP, RESOURCE_TYPES, USER
from tiled_scim.scim.selection import Selection
from tiled_scim.sql.lookups import indexed_value
from tiled_scim.sql.pages import Page, page_size, paginate, start_index
from tiled_scim.sql.search_time import search_time

# A query with other parameters is not a lookup of one value.
LOOKUP_PARAMETERS = frozenset({"filter", "startIndex", "count", "attributes", "excludedAttributes"})
# The operations of a bulk request between two checks of its token. Each check is a query.
CHECKED_EVERY = 5


@method_decorator(non_atomic_requests, name="dispatch")
class ScimView(APIView):
    """The base of all views. The host's `REST_FRAMEWORK` settings do not affect it."""

    authentication_classes: Sequence[type[BaseAuthentication]] = (TokenAuthentication,)
    permission_classes: Sequence[type[BasePermission]] = (AccountEnabled,)
    parser_classes = (ScimParser,)
    renderer_classes = (ScimRenderer,)
    content_negotiation_class = ScimNegotiation
    throttle_classes = ()  # see `perform_authentication`
    versioning_class = None
    metadata_class = None
    http_method_names: Sequence[str] = ("get", "post", "put", "patch", "delete", "head")
    # Whether the refusal of the request is a usual one, which is no event.
    is_expected = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.log = RequestLog(request)
        response = super().dispatch(request, *args, **kwargs)
        if isinstance(response, ErrorResponse) and not self.is_expected:
            self.log.record_failure(self.target, response.error, method=request.method or "")
        self.log.end(response.status_code)
        response.headers[REQUEST_ID_HEADER] = self.log.request_id
        keep_from_caches(response)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        check_length(request)
        # Django would decode the query with the charset of the body.
        self.log.request.encoding = "utf-8"

    def perform_authentication(self, request: Request) -> None:
        try:
            super().perform_authentication(request)
        except AuthenticationFailed as error:
            if isinstance(error, InvalidToken):
                self.log.caller = error.credential
            self.count_refusal(request, error)
            self.is_expected = isinstance(error, InvalidToken) and error.is_expected
            raise
        self.log.authenticate(cast(Credential, request.auth))
        # Before the permission check, so that requests that it refuses count, too.
        self.check_throttle(request, CredentialThrottle)

    @property
    def target(self) -> Change:
        """Return the resource of the request, as far as it is known."""
        return Change()

    @cached_property
    def adapter(self) -> HostAdapter:
        """Return the host adapter for the client's account."""
        adapter = settings.HOST_ADAPTER(account_of(self.request))
        adapter.check_account()
        return adapter

    @cached_property
    def parameters(self) -> QueryDict:
        """Return the query parameters, from the URL or a SearchRequest message.

        Raises:
            ScimError: 400.
        """
        if getattr(self, "action", None) == "search":
            return search_parameters(self.request.data)
        check_given_once(self.request.query_params)
        return self.request.query_params

    @cached_property
    def base_url(self) -> str:
        """Return the SCIM base URL, without a slash at the end."""
        return base_url(self.request)

    def get_exception_handler(self) -> Callable[[Exception, Mapping[str, Any]], Response]:
        return exception_handler

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
        # Not DRF's error, whose message is in the host's language.
        raise ScimError(405, f"{request.method} is not supported at {request.path}.")

    def count_refusal(self, request: Request, error: AuthenticationFailed) -> None:
        """Count a request whose credential is not valid.

        Raises:
            ScimError: 429.
        """
        if isinstance(error, InvalidToken) and error.is_of_client:
            self.check_throttle(request, EndedThrottle)
        else:
            self.count_stranger(request)

    def count_stranger(self, request: Request) -> None:
        """Count a request without a valid credential.

        Raises:
            ScimError: 429.
        """
        self.check_throttle(request, StrangersThrottle)
        self.check_throttle(request, NetworkThrottle)

    def check_throttle(self, request: Request, throttle_class: type[Throttle]) -> None:
        """Count the request.

        Raises:
            ScimError: 429 for too many requests. Okta reads whole seconds in `Retry-After`.
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
    # The body of a write, once it is read.
    sent: object = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # A selection that is not valid is refused before anything is written.
        self.renderer = Renderer(
            self.base_url, Selection.parse(self.parameters, self.resource_type)
        )

    @cached_property
    def endpoint(self) -> Endpoint:
        return Endpoint(self.resource_type, self.adapter)

    @property
    def target(self) -> Change:
        key, name = self.kwargs.get("key", ""), sent_name(self.resource_type, self.sent)
        return Change(self.resource_type.name, key, name)

    def list(self, request: Request) -> Response:
        page = self._lookup() or self._page(request)
        return Response(encode(list_response(self.renderer.render(page.rows), page)))

    def search(self, request: Request) -> Response:
        """Answer `POST /.search`, whose query is not in the URL and so not in logs of URLs."""
        return self.list(request)

    def retrieve(self, request: Request, key: str) -> Response:
        resource = self.endpoint.get(key)
        if is_listed(resource.version, request.headers.get("If-None-Match", "")):
            return Response(status=304, headers={"ETag": resource.version})
        return self.answer(resource)

    def create(self, request: Request) -> Response:
        self.sent = request.data
        result = self.endpoint.create(self.sent, self._recorder(201))
        return self.answer(result.resource, 201)

    def update(self, request: Request, key: str) -> Response:
        self.sent = request.data
        recorder = self._recorder(200)
        result = self.endpoint.replace(key, self.sent, recorder, self.precondition)
        return self.answer(result.resource)

    def partial_update(self, request: Request, key: str, status: int = 200) -> Response:
        self.sent = request.data
        recorder = self._recorder(status)
        result = self.endpoint.patch(key, self.sent, recorder, self.precondition)
        return self.answer(result.resource, status)

    def destroy(self, request: Request, key: str) -> Response:
        self.endpoint.delete(key, self._recorder(204), self.precondition)
        return Response(status=204)

    def answer(self, resource: StoredResource | None, status: int = 200) -> Response:
        """Return a response with a resource, or with its entity tag only for the status 204."""
        resource = cast(StoredResource, resource)
        headers = {"ETag": resource.version}
        if status == 201:
            headers["Location"] = self.renderer.location(self.resource_type, resource.key)
        body = None if status == 204 else encode(self.renderer.render([resource])[0])
        return Response(body, status=status, headers=headers)

    @property
    def precondition(self) -> Precondition | None:
        return of_write(self.request.headers)

    def _recorder(self, status: int) -> Record:
        return self.log.recorder(self.request.method or "", status)

    def _lookup(self) -> Page[StoredResource] | None:
        """Return the page of a filter for one indexed value, or None for other queries.

        It needs no parser, form and queryset.
        """
        if not LOOKUP_PARAMETERS.issuperset(self.parameters):
            return None
        wanted = indexed_value(self.parameters.get("filter", ""), self.resource_type)
        if wanted is None:
            return None
        first, count = start_index(self.parameters), page_size(self.parameters)
        found = self.endpoint.reader.find(*wanted)
        if len(found) > 1:
            return None  # several resources may have the same externalId
        return Page(found[first - 1 : first - 1 + count], len(found), first)

    def _page(self, request: Request) -> Page[StoredResource]:
        reader, parameters = self.endpoint.reader, self.parameters
        links = ScimFilterBackend().filter_queryset(request, reader.links(), self)
        fit = reader.fit if self.renderer.shows_members(self.resource_type) else len
        with search_time(parameters, self.resource_type, self.adapter, links.db):
            page = paginate(links, parameters, self.adapter.account, reader.columns, fit)
        return replace(page, rows=reader.read(page.rows))


class UserViewSet(ResourceViewSet):
    """`/Users`."""

    resource_type = USER


class GroupViewSet(ResourceViewSet):
    """`/Groups`."""

    resource_type = GROUP

    def partial_update(self, request: Request, key: str, status: int = 204) -> Response:
        """Respond with 204 (RFC 7644 section 3.5.2), so a large group is not sent back."""
        if "attributes" in request.query_params:
            status = 200
        return super().partial_update(request, key, status)


class RootViewSet(ViewSetMixin, ScimView):
    """The base URL, and `/.search` below it: resources of all types."""

    def list(self, request: Request) -> Response:
        endpoints = [Endpoint(resource_type, self.adapter) for resource_type in RESOURCE_TYPES]
        shows_members = self.renderer(GROUP).shows_members(GROUP)
        page = everywhere(endpoints, self.parameters, shows_members=shows_members)
        resources = [
            resource
            for resource_type in RESOURCE_TYPES
            for resource in self.renderer(resource_type).render(
                [row for row in page.rows if row.resource_type is resource_type]
            )
        ]
        return Response(encode(list_response(resources, page)))

    def search(self, request: Request) -> Response:
        return self.list(request)

    def renderer(self, resource_type: ResourceType) -> Renderer:
        return Renderer(self.base_url, Selection.parse(self.parameters, resource_type))


class BulkView(ScimView):
    """`/Bulk`."""

    def post(self, request: Request) -> Response:
        bulk = Bulk(self.adapter, Renderer(self.base_url), self.log, self.check_operation)
        return Response(bulk.run(request.data))

    def check_operation(self, number: int) -> None:
        """Check before an operation that the token may still be used.

        Args:
            number: The number of operations so far. The request itself was counted and checked,
                and it stands for the first operation.

        Raises:
            ScimError: 403 or 429.
            InvalidToken: The token has ended.
        """
        if number:
            self.check_throttle(self.request, CredentialThrottle)
        if number and number % CHECKED_EVERY == 0:
            check_again(self.request, self)


class ServiceProviderConfigView(ScimView):
    """`/ServiceProviderConfig`, and the plural that Okta's guide mentions."""

    def get(self, request: Request) -> Response:
        return Response(discovery.service_provider_config(self.base_url))


class DiscoveryView(ScimView):
    """What the endpoints for resource types and schemas have in common."""

    @property
    def types(self) -> Sequence[ResourceType]:
        """Return the resource types of the client's account."""
        return discovery.offered_types(settings.HOST_ADAPTER(account_of(self.request)))


class ResourceTypesView(DiscoveryView):
    """`/ResourceTypes`."""

    def get(self, request: Request) -> Response:
        return Response(unfiltered(request, discovery.resource_types(self.base_url, self.types)))


class ResourceTypeView(DiscoveryView):
    """`/ResourceTypes/{id}`."""

    def get(self, request: Request, key: str) -> Response:
        return Response(named(discovery.resource_types(self.base_url, self.types), key))


class SchemasView(DiscoveryView):
    """`/Schemas`."""

    def get(self, request: Request) -> Response:
        return Response(unfiltered(request, discovery.schemas(self.base_url, self.types)))


class SchemaView(DiscoveryView):
    """`/Schemas/{urn}`."""

    def get(self, request: Request, key: str) -> Response:
        return Response(named(discovery.schemas(self.base_url, self.types), key))


class MeView(ScimView):
    """`/Me`: not supported, because a token belongs to no User (RFC 7644 section 3.11)."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise ScimError(501, "A token is an identity provider's, so that there is no User /Me.")


@method_decorator(non_atomic_requests, name="dispatch")
class UnknownView(ScimView):
    """All other paths below the mount, among them other spellings of the endpoints."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        found = endpoint_of(kwargs["rest"])
        if found is None:
            return super().dispatch(request, *args, **kwargs)
        return cast(HttpResponseBase, found.func(request, *found.args, **found.kwargs))

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise not_found(f"There is nothing at {request.path}.")
