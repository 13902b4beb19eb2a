"""URLs of the product."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

urlpatterns = [
    path("", include("example_project.libraries.urls")),
    path("", include("example_project.customers.urls")),
    path("accounts/login/", LoginView.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    # SCIM: the base URL for all customers. It must not contain "_", which Okta rejects.
    path("scim/v2/", include("tiled_scim.urls")),
    # SCIM: the pages where customers connect Okta themselves.
    path("accounts/<int:account>/settings/scim/", include("tiled_scim.configuration.urls")),
]
