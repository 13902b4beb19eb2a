from django.apps import AppConfig


class LibrariesConfig(AppConfig):
    name = "tests.simple_project.libraries"
    label = "libraries"
