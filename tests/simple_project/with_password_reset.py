"""URLs of the host without accounts, with Django's “Forgot your password?”."""

from django.contrib.auth.views import PasswordResetView
from django.urls import path

from tests.simple_project.urls import urlpatterns as without

urlpatterns = [
    *without,
    path(
        "accounts/password_reset/",
        PasswordResetView.as_view(success_url="/"),
        name="password_reset",
    ),
]
