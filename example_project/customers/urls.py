from django.urls import path

from . import views

app_name = "customers"
urlpatterns = [
    path("accounts/<int:pk>/switch/", views.switch_account, name="switch"),
    path("accounts/<int:account>/settings/", views.account_settings, name="settings"),
]
