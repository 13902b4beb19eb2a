from django.apps import AppConfig


class ResilienceConfig(AppConfig):
    name = "resilience"

    def ready(self) -> None:
        from . import host

        host.listen()
