"""The URLs of the pages. A host includes them at a path of its own."""

from __future__ import annotations

from django.urls import path

from tiled_scim.configuration import (
    clients,
    connection,
    events,
    interventions,
    links,
    logout,
    setup,
    setup_clients,
    setup_links,
)

app_name = "tiled_scim_configuration"

urlpatterns = [
    path("", connection.ConnectionPage.as_view(), name="connection"),
    path("token/generate/", connection.GenerateToken.as_view(), name="generate"),
    path("token/revoke/", connection.RevokeToken.as_view(), name="revoke"),
    path("clients/", clients.ClientList.as_view(), name="clients"),
    path("clients/add/", clients.AddClient.as_view(), name="add_client"),
    path(
        "clients/add-federated/",
        clients.AddFederatedClient.as_view(),
        name="add_federated_client",
    ),
    path("clients/<uuid:client_id>/", clients.ClientPage.as_view(), name="client"),
    path(
        "clients/<uuid:client_id>/add-secret/",
        clients.AddClientSecret.as_view(),
        name="add_client_secret",
    ),
    path(
        "clients/<uuid:client_id>/federation/",
        clients.ChangeFederation.as_view(),
        name="change_federation",
    ),
    path(
        "clients/<uuid:client_id>/revoke-secret/",
        clients.RevokeClientSecret.as_view(),
        name="revoke_client_secret",
    ),
    path(
        "clients/<uuid:client_id>/revoke/",
        clients.RevokeClient.as_view(),
        name="revoke_client",
    ),
    path("logout/", logout.LogoutPage.as_view(), name="logout"),
    path("logout/turn-off/", logout.TurnOffLogout.as_view(), name="turn_off_logout"),
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
    path("setup/clients/", setup_clients.SetupClientList.as_view(), name="setup_clients"),
    path("setup/clients/add/", setup_clients.SetupAddClient.as_view(), name="setup_add_client"),
    path(
        "setup/clients/add-federated/",
        setup_clients.SetupAddFederatedClient.as_view(),
        name="setup_add_federated_client",
    ),
    path(
        "setup/clients/<uuid:client_id>/",
        setup_clients.SetupClient.as_view(),
        name="setup_client",
    ),
    path(
        "setup/clients/<uuid:client_id>/add-secret/",
        setup_clients.SetupAddClientSecret.as_view(),
        name="setup_add_client_secret",
    ),
    path(
        "setup/clients/<uuid:client_id>/federation/",
        setup_clients.SetupChangeFederation.as_view(),
        name="setup_change_federation",
    ),
    path("setup/leave/", setup.SetupLeave.as_view(), name="setup_leave"),
]
