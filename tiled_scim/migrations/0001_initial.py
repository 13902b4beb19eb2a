import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import tiled_scim.database.fields
import tiled_scim.models.clients
import tiled_scim.models.events
from tiled_scim.conf import settings as scim_settings
from tiled_scim.database.library_dependency import library_dependency


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        library_dependency(),
    ]

    operations = [
        migrations.CreateModel(
            name="LibraryGroupLink",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "account",
                    tiled_scim.database.fields.ExactCharField(
                        blank=True, max_length=128, verbose_name="account"
                    ),
                ),
                (
                    "external_id",
                    tiled_scim.database.fields.ExactCharField(
                        blank=True,
                        default=None,
                        max_length=255,
                        null=True,
                        verbose_name="external id",
                    ),
                ),
                (
                    "attributes",
                    tiled_scim.database.fields.ExactJSONField(
                        blank=True, default=dict, verbose_name="attributes"
                    ),
                ),
                ("version", models.PositiveBigIntegerField(default=1, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="updated"
                    ),
                ),
                (
                    "pushed_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="last push"
                    ),
                ),
                (
                    "unlinked_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="unlinked"
                    ),
                ),
                (
                    "display_name",
                    tiled_scim.database.fields.ExactCharField(
                        max_length=255, verbose_name="displayName"
                    ),
                ),
                (
                    "display_name_canonical",
                    tiled_scim.database.fields.ExactCharField(
                        default=None, editable=False, max_length=510, null=True
                    ),
                ),
                (
                    "role",
                    tiled_scim.database.fields.ExactCharField(
                        blank=True, default="", editable=False, max_length=128, verbose_name="role"
                    ),
                ),
                (
                    "library",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="scim_links",
                        to=scim_settings.LIBRARY_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "group link",
                "verbose_name_plural": "groups",
                "indexes": [
                    models.Index(
                        fields=["account", "created_at", "id", "unlinked_at", "library", "role"],
                        name="tiled_scim_group_order",
                    ),
                    models.Index(
                        fields=["account", "external_id"], name="tiled_scim_group_external"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "display_name_canonical"), name="tiled_scim_display_name"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScimToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "account",
                    tiled_scim.database.fields.ExactCharField(
                        blank=True, max_length=128, verbose_name="account"
                    ),
                ),
                (
                    "slot",
                    models.PositiveSmallIntegerField(blank=True, editable=False, null=True),
                ),
                (
                    "digest",
                    tiled_scim.database.fields.ExactCharField(
                        editable=False, max_length=64, unique=True
                    ),
                ),
                (
                    "last_four",
                    models.CharField(
                        editable=False, max_length=4, verbose_name="last four characters"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires")),
                (
                    "revoked_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="ended"
                    ),
                ),
                (
                    "first_used_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="first used"
                    ),
                ),
                (
                    "last_used_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="last used"
                    ),
                ),
                (
                    "last_used_from",
                    models.GenericIPAddressField(
                        blank=True, editable=False, null=True, verbose_name="last used from"
                    ),
                ),
                (
                    "last_used_by",
                    models.CharField(
                        blank=True, editable=False, max_length=255, verbose_name="last used by"
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
                    ),
                ),
            ],
            options={
                "verbose_name": "SCIM token",
                "verbose_name_plural": "connection and token",
                "ordering": ("-created_at",),
                "indexes": [
                    models.Index(fields=["account", "id"], name="tiled_scim_token_account"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("slot", "account"), name="tiled_scim_token_slot"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("slot__in", [1, 2])), name="tiled_scim_token_slots"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScimEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="time"),
                ),
                (
                    "account",
                    tiled_scim.database.fields.ExactCharField(
                        blank=True, max_length=128, null=True, verbose_name="account"
                    ),
                ),
                (
                    "token_last_four",
                    models.CharField(blank=True, max_length=4, verbose_name="token"),
                ),
                ("client", models.CharField(blank=True, max_length=255, verbose_name="client")),
                ("actor", models.CharField(blank=True, max_length=255, verbose_name="made by")),
                (
                    "address",
                    models.GenericIPAddressField(blank=True, null=True, verbose_name="address"),
                ),
                (
                    "request_id",
                    tiled_scim.database.fields.ExactCharField(
                        blank=True, max_length=64, verbose_name="request id"
                    ),
                ),
                ("method", models.CharField(blank=True, max_length=8, verbose_name="method")),
                (
                    "action",
                    models.CharField(
                        blank=True,
                        choices=tiled_scim.models.events.actions,
                        max_length=32,
                        verbose_name="action",
                    ),
                ),
                (
                    "resource_type",
                    models.CharField(blank=True, max_length=16, verbose_name="resource type"),
                ),
                ("resource_id", models.UUIDField(blank=True, null=True, verbose_name="resource")),
                (
                    "resource_name",
                    tiled_scim.database.fields.ExactCharField(
                        blank=True, max_length=255, verbose_name="name"
                    ),
                ),
                (
                    "resource_name_canonical",
                    tiled_scim.database.fields.ExactCharField(blank=True, max_length=510),
                ),
                ("changes", models.JSONField(blank=True, default=dict, verbose_name="changes")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("done", "done"),
                            ("unchanged", "nothing to change"),
                            ("refused", "refused"),
                            ("failed", "failed"),
                        ],
                        max_length=16,
                        verbose_name="outcome",
                    ),
                ),
                (
                    "status",
                    models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="status"),
                ),
                ("scim_type", models.CharField(blank=True, max_length=32, verbose_name="scimType")),
                ("cause", models.CharField(blank=True, max_length=32, verbose_name="cause")),
                ("detail", models.TextField(blank=True, verbose_name="detail")),
                (
                    "duration",
                    models.PositiveIntegerField(
                        default=0, help_text="milliseconds", verbose_name="duration"
                    ),
                ),
                ("times", models.PositiveIntegerField(default=1, verbose_name="times")),
            ],
            options={
                "verbose_name": "event",
                "verbose_name_plural": "events",
                "ordering": ("-created_at", "-id"),
                "indexes": [
                    models.Index(fields=["created_at", "id"], name="tiled_scim_event_time"),
                    models.Index(
                        fields=["account", "created_at", "id", "outcome", "method"],
                        name="tiled_scim_event_account",
                    ),
                    models.Index(
                        fields=["outcome", "created_at", "id"], name="tiled_scim_event_outcome"
                    ),
                    models.Index(
                        fields=["action", "created_at", "id"], name="tiled_scim_event_action"
                    ),
                    models.Index(
                        fields=["resource_type", "created_at", "id"], name="tiled_scim_event_type"
                    ),
                    models.Index(
                        fields=["resource_id", "created_at"], name="tiled_scim_event_resource"
                    ),
                    models.Index(fields=["resource_name_canonical"], name="tiled_scim_event_name"),
                    models.Index(fields=["request_id"], name="tiled_scim_event_request"),
                    models.Index(fields=["address", "created_at"], name="tiled_scim_event_address"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScimClient",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "first_used_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="first used"
                    ),
                ),
                (
                    "last_used_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="last used"
                    ),
                ),
                (
                    "last_used_from",
                    models.GenericIPAddressField(
                        blank=True, editable=False, null=True, verbose_name="last used from"
                    ),
                ),
                (
                    "last_used_by",
                    models.CharField(
                        blank=True, editable=False, max_length=255, verbose_name="last used by"
                    ),
                ),
                (
                    "account",
                    tiled_scim.database.fields.ExactCharField(
                        blank=True, max_length=128, verbose_name="account"
                    ),
                ),
                (
                    "client_id",
                    tiled_scim.database.fields.ExactCharField(
                        default=tiled_scim.models.clients.new_client_id,
                        editable=False,
                        max_length=36,
                        unique=True,
                        verbose_name="client id",
                    ),
                ),
                ("name", models.CharField(max_length=255, verbose_name="name")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "revoked_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="revoked"
                    ),
                ),
                ("issuer", models.CharField(blank=True, max_length=500, verbose_name="issuer")),
                ("jwks_url", models.CharField(blank=True, max_length=500, verbose_name="JWKS URL")),
                ("subject", models.CharField(blank=True, max_length=500, verbose_name="subject")),
                ("audience", models.CharField(blank=True, max_length=500, verbose_name="audience")),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
                    ),
                ),
            ],
            options={
                "verbose_name": "client",
                "verbose_name_plural": "clients",
                "ordering": ("pk",),
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["account", "id"], name="tiled_scim_client_account")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(issuer="", jwks_url="", subject="", audience="")
                        | ~(
                            models.Q(issuer="")
                            | models.Q(jwks_url="")
                            | models.Q(subject="")
                            | models.Q(audience="")
                        ),
                        name="tiled_scim_client_federation",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScimClientSecret",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "first_used_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="first used"
                    ),
                ),
                (
                    "last_used_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="last used"
                    ),
                ),
                (
                    "last_used_from",
                    models.GenericIPAddressField(
                        blank=True, editable=False, null=True, verbose_name="last used from"
                    ),
                ),
                (
                    "last_used_by",
                    models.CharField(
                        blank=True, editable=False, max_length=255, verbose_name="last used by"
                    ),
                ),
                ("slot", models.PositiveSmallIntegerField(blank=True, editable=False, null=True)),
                (
                    "digest",
                    tiled_scim.database.fields.ExactCharField(
                        editable=False, max_length=64, unique=True
                    ),
                ),
                (
                    "last_four",
                    models.CharField(
                        editable=False, max_length=4, verbose_name="last four characters"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                ("expires_at", models.DateTimeField(editable=False, verbose_name="expires")),
                (
                    "revoked_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="revoked"
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="secrets",
                        to="tiled_scim.scimclient",
                        verbose_name="client",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
                    ),
                ),
            ],
            options={
                "verbose_name": "client secret",
                "verbose_name_plural": "client secrets",
                "ordering": ("-created_at", "-pk"),
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("client", "slot"), name="tiled_scim_client_secret_slot"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(slot=None) | models.Q(slot__in=(1, 2)),
                        name="tiled_scim_client_secret_slots",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScimAccessToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "digest",
                    tiled_scim.database.fields.ExactCharField(
                        editable=False, max_length=64, unique=True
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("expires_at", models.DateTimeField(db_index=True, editable=False)),
                (
                    "client",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="access_tokens",
                        to="tiled_scim.scimclient",
                    ),
                ),
                (
                    "secret",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="access_tokens",
                        to="tiled_scim.scimclientsecret",
                    ),
                ),
            ],
            options={
                "verbose_name": "access token",
                "verbose_name_plural": "access tokens",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SetupLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "account",
                    tiled_scim.database.fields.ExactCharField(
                        blank=True, max_length=128, verbose_name="account"
                    ),
                ),
                (
                    "digest",
                    tiled_scim.database.fields.ExactCharField(
                        editable=False, max_length=64, unique=True
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                ("expires_at", models.DateTimeField(editable=False, verbose_name="expires")),
                (
                    "revoked_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="revoked"
                    ),
                ),
                (
                    "last_used_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="last used"
                    ),
                ),
                (
                    "uses",
                    models.PositiveIntegerField(default=0, editable=False, verbose_name="uses"),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
                    ),
                ),
            ],
            options={
                "verbose_name": "setup link",
                "verbose_name_plural": "setup links",
                "ordering": ("-created_at", "-pk"),
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["account", "expires_at"], name="tiled_scim_setup_link"),
                ],
            },
        ),
        migrations.CreateModel(
            name="UserLink",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "account",
                    tiled_scim.database.fields.ExactCharField(
                        blank=True, max_length=128, verbose_name="account"
                    ),
                ),
                (
                    "external_id",
                    tiled_scim.database.fields.ExactCharField(
                        blank=True,
                        default=None,
                        max_length=255,
                        null=True,
                        verbose_name="external id",
                    ),
                ),
                (
                    "attributes",
                    tiled_scim.database.fields.ExactJSONField(
                        blank=True, default=dict, verbose_name="attributes"
                    ),
                ),
                ("version", models.PositiveBigIntegerField(default=1, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="updated"
                    ),
                ),
                (
                    "pushed_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="last push"
                    ),
                ),
                (
                    "unlinked_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="unlinked"
                    ),
                ),
                (
                    "user_name",
                    tiled_scim.database.fields.ExactCharField(
                        max_length=255, verbose_name="userName"
                    ),
                ),
                (
                    "user_name_canonical",
                    tiled_scim.database.fields.ExactCharField(
                        default=None, editable=False, max_length=510, null=True
                    ),
                ),
                (
                    "suspended",
                    models.BooleanField(default=False, editable=False, verbose_name="suspended"),
                ),
                ("keeps_own_values", models.BooleanField(default=False, editable=False)),
                (
                    "last_external_id",
                    tiled_scim.database.fields.ExactCharField(
                        default=None, editable=False, max_length=255, null=True
                    ),
                ),
                ("hidden_values", models.JSONField(blank=True, default=dict, editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="scim_links",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "user link",
                "verbose_name_plural": "users",
                "indexes": [
                    models.Index(
                        fields=["account", "created_at", "id", "unlinked_at"],
                        name="tiled_scim_user_order",
                    ),
                    models.Index(
                        fields=["account", "external_id"], name="tiled_scim_user_external"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "user_name_canonical"), name="tiled_scim_user_name"
                    ),
                    models.UniqueConstraint(fields=("account", "user"), name="tiled_scim_user"),
                ],
            },
        ),
        migrations.CreateModel(
            name="StoredEmail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "folded",
                    tiled_scim.database.fields.ExactCharField(editable=False, max_length=255),
                ),
                (
                    "link",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="stored_emails",
                        to="tiled_scim.userlink",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("folded", "link"), name="tiled_scim_stored_email"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LibraryGroupMember",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "display",
                    tiled_scim.database.fields.ExactCharField(
                        blank=True, max_length=255, verbose_name="display"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="tiled_scim.librarygrouplink",
                        verbose_name="group",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="tiled_scim.userlink",
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "group member",
                "verbose_name_plural": "group members",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("group", "user"), name="tiled_scim_group_member"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PriorRoles",
            fields=[
                (
                    "link",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="prior_roles",
                        serialize=False,
                        to="tiled_scim.userlink",
                    ),
                ),
                ("prior", models.JSONField(default=list, editable=False)),
                ("left", models.JSONField(default=list, editable=False)),
            ],
            options={
                "verbose_name": "prior roles",
                "verbose_name_plural": "prior roles",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="PriorAccess",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "library",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=scim_settings.LIBRARY_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "prior access",
                "verbose_name_plural": "prior access",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("library", "user"), name="tiled_scim_prior_access"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UsedAssertion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "digest",
                    tiled_scim.database.fields.ExactCharField(
                        editable=False, max_length=64, unique=True
                    ),
                ),
                ("expires_at", models.DateTimeField(editable=False, verbose_name="expires")),
            ],
            options={
                "verbose_name": "used assertion",
                "verbose_name_plural": "used assertions",
                "default_permissions": (),
                "indexes": [models.Index(fields=["expires_at"], name="tiled_scim_used_assertion")],
            },
        ),
        migrations.CreateModel(
            name="LogoutIssuer",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "account",
                    tiled_scim.database.fields.ExactCharField(
                        blank=True, max_length=128, unique=True, verbose_name="account"
                    ),
                ),
                (
                    "issuer",
                    tiled_scim.database.fields.ExactCharField(
                        max_length=1024, verbose_name="issuer"
                    ),
                ),
                (
                    "jwks_url",
                    tiled_scim.database.fields.ExactCharField(
                        max_length=1024, verbose_name="URL of the keys"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
                    ),
                ),
            ],
            options={
                "verbose_name": "issuer for Universal Logout",
                "verbose_name_plural": "issuers for Universal Logout",
                "default_permissions": (),
            },
        ),
    ]
