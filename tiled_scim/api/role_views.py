"""The endpoint for the roles of an account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.functional import cached_property
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from tiled_scim.api.etags import is_listed
from tiled_scim.api.responses import list_response
from tiled_scim.api.roles import role_named, role_page, role_resources
from tiled_scim.api.views import ScimView
from tiled_scim.attributes import ResourceType
from tiled_scim.errors import not_found
from tiled_scim.schemas import ROLE
from tiled_scim.scim.selection import Resource, Selection


class RoleViewSet(ViewSetMixin, ScimView):
    """`/Roles`, read only. Without roles, there is no such endpoint."""

    resource_type: ClassVar[ResourceType] = ROLE

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if not self.roles:
            raise not_found(f"There is nothing at {request.path}.")

    @cached_property
    def roles(self) -> Mapping[str, str]:
        return self.adapter.roles()

    def list(self, request: Request) -> Response:
        page = role_page(role_resources(self.roles, self.base_url), self.parameters)
        selected = [self._selected(role) for role in page.rows]
        return Response(list_response(selected, page))

    def search(self, request: Request) -> Response:
        return self.list(request)

    def retrieve(self, request: Request, key: str) -> Response:
        role = role_named(role_resources(self.roles, self.base_url), key)
        version = role["meta"]["version"]
        if is_listed(version, request.headers.get("If-None-Match", "")):
            return Response(status=304, headers={"ETag": version})
        return Response(self._selected(role), headers={"ETag": version})

    def _selected(self, role: Resource) -> Resource:
        return Selection.parse(self.parameters, ROLE).apply(role, ROLE)
