from django.urls import path

from . import views

app_name = "libraries"
urlpatterns = [
    path("", views.library_list, name="list"),
    path("libraries/<int:pk>/", views.library_detail, name="detail"),
]
