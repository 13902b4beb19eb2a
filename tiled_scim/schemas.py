"""The attribute table: all attributes with their characteristics.

Discovery documents, filters, sorting, PATCH checks, type conversion and rendering all read this
table, so adding an attribute means adding a row. The rows of User, Group and Enterprise User are
those of RFC 7643 sections 3.1, 4 and 8.7.1.

The module is long, because it is one table.
"""

from __future__ import annotations

from tiled_scim.attributes import Attribute, ResourceType, Schema

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_USER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
OKTA_ROLE = "urn:okta:scim:schemas:core:1.0:Role"
TILED_USER = "urn:ietf:params:scim:schemas:extension:tiled:2.0:User"
TILED_ADMIN = f"{TILED_USER}:tiledAdmin"


def _plural(
    name: str,
    description: str,
    *types: str,
    value: Attribute | None = None,
    sub_attributes: tuple[Attribute, ...] = (),
    accepts_text: bool = False,
) -> Attribute:
    """Return a multi-valued attribute with the sub-attributes of RFC 7643 section 2.4."""
    default = (value or Attribute("value", description="The value."),)
    return Attribute(
        name,
        "complex",
        description,
        multi_valued=True,
        accepts_text=accepts_text,
        sub_attributes=(
            *(sub_attributes or (*default, Attribute("display", description="A name to show."))),
            Attribute("type", description="What it is used for.", canonical_values=types),
            Attribute("primary", "boolean", "Whether it is the preferred one; true once at most."),
        ),
    )


COMMON = Schema(
    urn="",
    name="Common",
    description="What every resource has: RFC 7643 section 3.1.",
    attributes=(
        Attribute(
            "schemas",
            "reference",
            "The schemas that the resource uses.",
            multi_valued=True,
            case_exact=True,
            mutability="readOnly",
            returned="always",
        ),
        Attribute(
            "id",
            description="The identifier that this server gave.",
            case_exact=True,
            mutability="readOnly",
            returned="always",
            uniqueness="server",
            column="id",
        ),
        Attribute(
            "externalId",
            description="The identifier that the client gave.",
            case_exact=True,
            column="external_id",
        ),
        Attribute(
            "meta",
            "complex",
            "Facts about the resource itself.",
            mutability="readOnly",
            sub_attributes=(
                Attribute("resourceType", case_exact=True, mutability="readOnly"),
                Attribute("created", "dateTime", mutability="readOnly", column="created_at"),
                Attribute("lastModified", "dateTime", mutability="readOnly", column="updated_at"),
                Attribute("location", "reference", case_exact=True, mutability="readOnly"),
                Attribute("version", case_exact=True, mutability="readOnly"),
            ),
        ),
    ),
)

USER = ResourceType(
    name="User",
    endpoint="/Users",
    description="User Account",
    common=COMMON,
    schema=Schema(
        CORE_USER,
        "User",
        "User Account",
        (
            Attribute(
                "userName",
                description="The name that the identity provider knows the person by.",
                required=True,
                uniqueness="server",
                column="user_name",
                canonical_column="user_name_canonical",
            ),
            Attribute(
                "name",
                "complex",
                "The parts of the person's name.",
                sub_attributes=(
                    Attribute("formatted", description="The whole name, as it is shown."),
                    Attribute("familyName", description="The family name, or last name."),
                    Attribute("givenName", description="The given name, or first name."),
                    Attribute("middleName", description="The middle name or names."),
                    Attribute("honorificPrefix", description="A title, such as Ms."),
                    Attribute("honorificSuffix", description="A suffix, such as III."),
                ),
            ),
            Attribute("displayName", description="The name to show for the person."),
            Attribute("nickName", description="What the person is casually called."),
            Attribute(
                "profileUrl",
                "reference",
                "The person's page.",
                reference_types=("external",),
            ),
            Attribute("title", description="The job title."),
            Attribute("userType", description="The relation to the organization."),
            Attribute("preferredLanguage", description="The language to speak with the person."),
            Attribute("locale", description="How to write numbers, dates and currency."),
            Attribute("timezone", description="The time zone, such as Europe/Berlin."),
            Attribute("active", "boolean", "Whether the person has access."),
            Attribute(
                "password",
                description="Accepted and dropped: passwords are never stored.",
                case_exact=True,
                mutability="writeOnly",
                returned="never",
            ),
            _plural("emails", "E-mail addresses.", "work", "home", "other"),
            _plural(
                "phoneNumbers",
                "Telephone numbers.",
                "work",
                "home",
                "mobile",
                "fax",
                "pager",
                "other",
            ),
            _plural(
                "ims",
                "Instant messaging addresses.",
                "aim",
                "gtalk",
                "icq",
                "xmpp",
                "msn",
                "skype",
                "qq",
                "yahoo",
            ),
            _plural(
                "photos",
                "Pictures of the person.",
                "photo",
                "thumbnail",
                value=Attribute(
                    "value", "reference", "The URL of a picture.", reference_types=("external",)
                ),
            ),
            _plural(
                "addresses",
                "Postal addresses.",
                "work",
                "home",
                "other",
                sub_attributes=(
                    Attribute("formatted", description="The whole address, as it is shown."),
                    Attribute("streetAddress", description="Street, number and floor."),
                    Attribute("locality", description="The city."),
                    Attribute("region", description="The state or region."),
                    Attribute("postalCode", description="The postal code."),
                    Attribute("country", description="The country, as two letters."),
                ),
            ),
            Attribute(
                "groups",
                "complex",
                "The pushed groups that the person is in.",
                multi_valued=True,
                mutability="readOnly",
                relation="memberships",
                sub_attributes=(
                    Attribute(
                        "value",
                        description="The group's id.",
                        case_exact=True,
                        mutability="readOnly",
                        column="group_id",
                    ),
                    Attribute(
                        "$ref",
                        "reference",
                        "The group's URI.",
                        case_exact=True,
                        mutability="readOnly",
                        reference_types=("Group",),
                    ),
                    Attribute(
                        "display",
                        description="The group's displayName.",
                        mutability="readOnly",
                        column="group__display_name",
                        canonical_column="group__display_name_canonical",
                    ),
                    Attribute(
                        "type",
                        description="How the person is a member.",
                        mutability="readOnly",
                        canonical_values=("direct", "indirect"),
                        constant="direct",
                    ),
                ),
            ),
            _plural("entitlements", "Things that the person is entitled to."),
            _plural("roles", "Roles that the person has.", accepts_text=True),
            _plural(
                "x509Certificates",
                "Certificates of the person.",
                value=Attribute(
                    "value", "binary", "A certificate, as base64 of DER.", case_exact=True
                ),
            ),
        ),
    ),
    extensions=[
        Schema(
            ENTERPRISE_USER,
            "EnterpriseUser",
            "Enterprise User",
            (
                Attribute("employeeNumber", description="The number given by the employer."),
                Attribute("costCenter", description="The cost center."),
                Attribute("organization", description="The organization."),
                Attribute("division", description="The division."),
                Attribute("department", description="The department."),
                Attribute(
                    "manager",
                    "complex",
                    "The person's manager.",
                    accepts_text=True,
                    sub_attributes=(
                        Attribute("value", description="The manager's id."),
                        Attribute(
                            "$ref", "reference", "The manager's URI.", reference_types=("User",)
                        ),
                        Attribute(
                            "displayName",
                            description="The manager's name.",
                            mutability="readOnly",
                        ),
                    ),
                ),
            ),
        ),
        Schema(
            TILED_USER,
            "TiledUser",
            "What Tiled adds to a person.",
            (Attribute("tiledAdmin", "boolean", "Whether the person is an administrator."),),
        ),
    ],
)

GROUP = ResourceType(
    name="Group",
    endpoint="/Groups",
    description="Group",
    common=COMMON,
    schema=Schema(
        CORE_GROUP,
        "Group",
        "Group",
        (
            Attribute(
                "displayName",
                description="The group's name.",
                required=True,
                uniqueness="server",
                column="display_name",
                canonical_column="display_name_canonical",
            ),
            Attribute(
                "members",
                "complex",
                "The people in the group.",
                multi_valued=True,
                relation="members",
                accepts_text=True,
                sub_attributes=(
                    Attribute(
                        "value",
                        description="The member's id.",
                        case_exact=True,
                        mutability="immutable",
                        column="user_id",
                    ),
                    Attribute(
                        "$ref",
                        "reference",
                        "The member's URI.",
                        case_exact=True,
                        mutability="immutable",
                        reference_types=("User",),
                    ),
                    Attribute(
                        "type",
                        description="What the member is.",
                        mutability="immutable",
                        canonical_values=("User",),
                        constant="User",
                    ),
                    Attribute(
                        "display",
                        description="A name to show: as it was sent, else the userName.",
                        mutability="immutable",
                        column="display",
                    ),
                ),
            ),
        ),
    ),
)

# The resource type by which Okta Identity Governance learns what it can grant. It is only offered
# where the host adapter has roles.
ROLE = ResourceType(
    name="Role",
    endpoint="/Roles",
    description="A role that a user can be given.",
    common=COMMON,
    schema=Schema(
        OKTA_ROLE,
        "Role",
        "A role that a user can be given.",
        (
            Attribute(
                "displayName",
                description="The name to show for the role.",
                required=True,
                mutability="readOnly",
            ),
        ),
    ),
)

RESOURCE_TYPES = (USER, GROUP)


def register_extension(schema: Schema, resource_type: ResourceType = USER) -> None:
    """Add an extension of the host to the attribute table. Call it in `AppConfig.ready`.

    Args:
        schema: The schema of the extension.
        resource_type: The resource type to extend.

    Raises:
        ValueError: if the URN is not a URN, or that of another schema; or if an attribute has a
            characteristic that the server does not support.
    """
    if schema in resource_type.extensions:
        return
    urn = schema.urn.lower()
    if not urn.startswith("urn:"):
        raise ValueError(f"An extension is named by a URN, which {schema.urn} is not.")
    known = (other for each in RESOURCE_TYPES for other in each.schemas)
    if any(other != schema and other.urn.lower() == urn for other in known):
        raise ValueError(f"There is a schema {schema.urn} already.")
    for attribute in schema.attributes:
        _check_promises(attribute)
    resource_type.extensions.append(schema)


def _check_promises(attribute: Attribute) -> None:
    """Check that the server supports all characteristics of a host's attribute.

    Raises:
        ValueError: if it does not.
    """
    name, parts = attribute.name, attribute.sub_attributes
    # The link's JSON has no unique constraint, so concurrent requests could store the same value.
    if any(each.uniqueness != "none" for each in (attribute, *parts)):
        raise ValueError(
            f"The uniqueness of {name} must be “none”: SCIM cannot enforce another. Map the "
            "attribute to a unique field of the host's, in HostAdapter.user_fields."
        )
    if any(part.required for part in parts):
        raise ValueError(f"No part of {name} can be required: only whole attributes can.")
    # A filter in brackets is about one value of each part of an element, and SQL joins no more.
    if any(part.multi_valued for part in parts):
        raise ValueError(
            f"No part of {name} can be multi-valued, because filters could not search it. Make the "
            "part a multi-valued attribute of its own."
        )
    if any(part.type == "complex" for part in parts):  # RFC 7643 section 2.3.8
        raise ValueError(f"No part of {name} can be complex: only whole attributes can.")
    # Elements have no identity, so a changed element cannot be distinguished from a new one.
    may_change = attribute.multi_valued and attribute.mutability != "immutable"
    if may_change and any(part.mutability == "immutable" for part in parts):
        raise ValueError(f"No part of {name} can be immutable: only all of its elements can.")
