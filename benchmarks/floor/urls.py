"""The URLs of the floor and of the simple project."""

from django.urls import include, path

from . import views

floor = [
    path("Users", views.users),
    path("Users/<uuid:key>", views.user),
    path("Groups", views.groups),
    path("Groups/<uuid:key>", views.group),
]
urlpatterns = [path("floor/", include(floor)), path("", include("tests.simple_project.urls"))]
