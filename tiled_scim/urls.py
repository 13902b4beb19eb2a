"""The endpoints: RFC 7644 section 3.2, and the token endpoint of RFC 6749.

A slash at the end is tolerated, and none is asked for.

`api.spellings` finds the endpoints of paths in other letter case or with other slashes.
"""

from __future__ import annotations

from typing import Any

from django.urls import path, re_path

from tiled_scim.api import views
from tiled_scim.api.base_url import UNKNOWN_ROUTE
from tiled_scim.api.logout import SignedLogoutView, TokenLogoutView
from tiled_scim.api.oauth.views import MetadataView, TokenView
from tiled_scim.api.role_views import RoleViewSet

app_name = "tiled_scim"

COLLECTION: dict[str, Any] = {"get": "list", "post": "create"}
SEARCH: dict[str, Any] = {"post": "search"}
RESOURCE: dict[str, Any] = {
    "get": "retrieve",
    "put": "update",
    "patch": "partial_update",
    "delete": "destroy",
}

urlpatterns = [
    path("", views.RootViewSet.as_view({"get": "list"}), name="root"),
    re_path(r"^\.search/?$", views.RootViewSet.as_view(SEARCH), name="search"),
    re_path(r"^Bulk/?$", views.BulkView.as_view(), name="bulk"),
    re_path(r"^Me/?$", views.MeView.as_view(), name="me"),
    re_path(r"^Users/\.search/?$", views.UserViewSet.as_view(SEARCH), name="user-search"),
    re_path(r"^Groups/\.search/?$", views.GroupViewSet.as_view(SEARCH), name="group-search"),
    re_path(r"^Users/?$", views.UserViewSet.as_view(COLLECTION), name="users"),
    re_path(r"^Users/(?P<key>[^/]+)/?$", views.UserViewSet.as_view(RESOURCE), name="user"),
    re_path(r"^Groups/?$", views.GroupViewSet.as_view(COLLECTION), name="groups"),
    re_path(r"^Groups/(?P<key>[^/]+)/?$", views.GroupViewSet.as_view(RESOURCE), name="group"),
    re_path(r"^Roles/\.search/?$", RoleViewSet.as_view(SEARCH), name="role-search"),
    re_path(r"^Roles/?$", RoleViewSet.as_view({"get": "list"}), name="roles"),
    # The key of a role may contain a slash.
    re_path(r"^Roles/(?P<key>.+?)/?$", RoleViewSet.as_view({"get": "retrieve"}), name="role"),
    re_path(
        r"^ServiceProviderConfigs?/?$",
        views.ServiceProviderConfigView.as_view(),
        name="service-provider-config",
    ),
    re_path(r"^ResourceTypes/?$", views.ResourceTypesView.as_view(), name="resource-types"),
    re_path(
        r"^ResourceTypes/(?P<key>[^/]+)/?$", views.ResourceTypeView.as_view(), name="resource-type"
    ),
    re_path(r"^Schemas/?$", views.SchemasView.as_view(), name="schemas"),
    re_path(r"^Schemas/(?P<key>[^/]+)/?$", views.SchemaView.as_view(), name="schema"),
    re_path(r"^oauth/token/?$", TokenView.as_view(), name="oauth-token"),
    re_path(
        r"^\.well-known/oauth-authorization-server/?$",
        MetadataView.as_view(),
        name="oauth-metadata",
    ),
    re_path(r"^global-token-revocation/?$", TokenLogoutView.as_view(), name="logout"),
    re_path(
        r"^global-token-revocation/(?P<key>[^/]+)/?$",
        SignedLogoutView.as_view(),
        name="signed-logout",
    ),
    re_path(r"^(?P<rest>[\s\S]*)", views.UnknownView.as_view(), name=UNKNOWN_ROUTE),
]
