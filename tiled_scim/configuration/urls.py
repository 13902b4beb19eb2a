"""The URLs of the pages. A host includes them at a path of its own."""

from __future__ import annotations

from django.urls import path

from tiled_scim.configuration import (
    connection,
    events,
    interventions,
    links,
    setup,
    setup_links,
)

app_name = "tiled_scim_configuration"

urlpatterns = [
    path("", connection.ConnectionPage.as_view(), name="connection"),
    path("token/generate/", connection.GenerateToken.as_view(), name="generate"),
    path("token/revoke/", connection.RevokeToken.as_view(), name="revoke"),
    path("events/", events.EventList.as_view(), name="events"),
    path("events/<int:event_id>/", events.EventPage.as_view(), name="event"),
    path("users/", links.UserList.as_view(), name="users"),
    path("users/<uuid:link_id>/", links.UserPage.as_view(), name="user"),
    path(
        "users/<uuid:link_id>/<slug:intervention>/",
        interventions.UserIntervention.as_view(),
        name="user_intervention",
    ),
    path("groups/", links.GroupList.as_view(), name="groups"),
    path("groups/<uuid:link_id>/", links.GroupPage.as_view(), name="group"),
    path(
        "groups/<uuid:link_id>/<slug:intervention>/",
        interventions.GroupIntervention.as_view(),
        name="group_intervention",
    ),
    path("setup-links/", setup_links.SetupLinkList.as_view(), name="setup_links"),
    path(
        "setup-links/<int:setup_link_id>/revoke/",
        setup_links.RevokeSetupLink.as_view(),
        name="revoke_setup_link",
    ),
    # The pages behind a setup link. Their cookie has the path of the first.
    path("setup/", setup.SetupConnection.as_view(), name="setup"),
    path("setup/open/", setup.SetupOpen.as_view(), name="setup_open"),
    path("setup/generate/", setup.SetupGenerate.as_view(), name="setup_generate"),
    path("setup/leave/", setup.SetupLeave.as_view(), name="setup_leave"),
]
