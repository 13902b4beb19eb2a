import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import tiled_scim.models
from tiled_scim.conf import settings as scim_settings
from tiled_scim.dependencies import library_dependency


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
                    tiled_scim.models.ExactCharField(
                        blank=True, max_length=128, verbose_name="account"
                    ),
                ),
                (
                    "external_id",
                    tiled_scim.models.ExactCharField(
                        blank=True,
                        default=None,
                        max_length=255,
                        null=True,
                        verbose_name="external id",
                    ),
                ),
                (
                    "attributes",
                    models.JSONField(blank=True, default=dict, verbose_name="attributes"),
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
                    "unlinked_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="unlinked"
                    ),
                ),
                (
                    "display_name",
                    tiled_scim.models.ExactCharField(max_length=255, verbose_name="displayName"),
                ),
                (
                    "display_name_folded",
                    tiled_scim.models.ExactCharField(
                        default=None, editable=False, max_length=510, null=True
                    ),
                ),
                (
                    "library",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="scim_links",
                        to=scim_settings.LIBRARY_MODEL,
                        verbose_name="Library",
                    ),
                ),
            ],
            options={
                "verbose_name": "Library group link",
                "verbose_name_plural": "Library group links",
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
                    tiled_scim.models.ExactCharField(
                        blank=True, max_length=128, verbose_name="account"
                    ),
                ),
                (
                    "current_account",
                    tiled_scim.models.ExactCharField(
                        blank=True, editable=False, max_length=128, null=True, unique=True
                    ),
                ),
                (
                    "digest",
                    tiled_scim.models.ExactCharField(editable=False, max_length=64, unique=True),
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
                    "last_used_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="last used"
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
                    tiled_scim.models.ExactCharField(
                        blank=True, max_length=128, verbose_name="account"
                    ),
                ),
                (
                    "external_id",
                    tiled_scim.models.ExactCharField(
                        blank=True,
                        default=None,
                        max_length=255,
                        null=True,
                        verbose_name="external id",
                    ),
                ),
                (
                    "attributes",
                    models.JSONField(blank=True, default=dict, verbose_name="attributes"),
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
                    "unlinked_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="unlinked"
                    ),
                ),
                (
                    "user_name",
                    tiled_scim.models.ExactCharField(max_length=255, verbose_name="userName"),
                ),
                (
                    "user_name_folded",
                    tiled_scim.models.ExactCharField(
                        default=None, editable=False, max_length=510, null=True
                    ),
                ),
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
                "verbose_name_plural": "user links",
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
                    tiled_scim.models.ExactCharField(
                        blank=True, max_length=255, verbose_name="display"
                    ),
                ),
                ("granted", models.BooleanField(default=True, verbose_name="granted by SCIM")),
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
                "verbose_name": "Library group member",
                "verbose_name_plural": "Library group members",
            },
        ),
        migrations.AddIndex(
            model_name="librarygrouplink",
            index=models.Index(
                fields=["account", "created_at", "id"], name="tiled_scim_group_order"
            ),
        ),
        migrations.AddIndex(
            model_name="librarygrouplink",
            index=models.Index(fields=["account", "external_id"], name="tiled_scim_group_external"),
        ),
        migrations.AddConstraint(
            model_name="librarygrouplink",
            constraint=models.UniqueConstraint(
                fields=("account", "display_name_folded"), name="tiled_scim_display_name"
            ),
        ),
        migrations.AddIndex(
            model_name="userlink",
            index=models.Index(
                fields=["account", "created_at", "id"], name="tiled_scim_user_order"
            ),
        ),
        migrations.AddIndex(
            model_name="userlink",
            index=models.Index(fields=["account", "external_id"], name="tiled_scim_user_external"),
        ),
        migrations.AddConstraint(
            model_name="userlink",
            constraint=models.UniqueConstraint(
                fields=("account", "user_name_folded"), name="tiled_scim_user_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="userlink",
            constraint=models.UniqueConstraint(fields=("account", "user"), name="tiled_scim_user"),
        ),
        migrations.AddConstraint(
            model_name="librarygroupmember",
            constraint=models.UniqueConstraint(
                fields=("group", "user"), name="tiled_scim_group_member"
            ),
        ),
    ]
