from django.urls import include, path
from rest_framework.authtoken.views import obtain_auth_token
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from tests.hosts.credentials.views import ApiView, page

urlpatterns = [
    path("page/", page),
    path("api/", ApiView.as_view()),
    path("api/key/", obtain_auth_token),
    path("api/jwt/", TokenObtainPairView.as_view()),
    path("api/jwt/refresh/", TokenRefreshView.as_view()),
    path("scim/v2/", include("tiled_scim.urls")),
]
