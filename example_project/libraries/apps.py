from django.apps import AppConfig


class LibrariesConfig(AppConfig):
    name = "example_project.libraries"
    label = "libraries"
