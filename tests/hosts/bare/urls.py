from django.urls import include, path

urlpatterns = [path("scim/v2/", include("tiled_scim.urls"))]
