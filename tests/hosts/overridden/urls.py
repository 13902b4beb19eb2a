from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("sync/people/", include("tiled_scim.urls")),
    path("settings/scim/", include("tiled_scim.configuration.urls")),
]
