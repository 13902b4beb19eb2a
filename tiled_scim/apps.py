from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig, apps
from django.core import checks
from django.db.backends.signals import connection_created
from django.db.models.signals import pre_delete
from django.utils.translation import gettext_lazy as _


class TiledScimConfig(AppConfig):
    name = "tiled_scim"
    verbose_name = _("SCIM Configuration")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from tiled_scim.checks import check_deployment, check_host, check_indexes, check_tables
        from tiled_scim.database.expressions import register_functions
        from tiled_scim.models import UserLink, name_in_host_words
        from tiled_scim.provisioning.member_queries import note_deletion_of_member

        if apps.is_installed("drf_spectacular"):
            # Registers what describes our views, by being imported.
            import_module("tiled_scim.api.openapi")
        name_in_host_words()
        checks.register(check_host, checks.Tags.compatibility)
        checks.register(check_indexes, checks.Tags.database)
        checks.register(check_tables, checks.Tags.database)
        checks.register(check_deployment, checks.Tags.security, deploy=True)
        connection_created.connect(register_functions, dispatch_uid="tiled_scim")
        pre_delete.connect(note_deletion_of_member, UserLink, dispatch_uid="tiled_scim")
