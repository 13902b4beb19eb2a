"""All steps of Entra in order, each with what a failure means and what to do about it.

They cover the direct tests of the validator of Microsoft's app gallery, except signing in, and the
requests that its documentation shows.
"""

from __future__ import annotations

from tiled_scim.provider_check import cleaning, connection
from tiled_scim.provider_check.cleaning import Action
from tiled_scim.provider_check.entra import credentials, groups, users
from tiled_scim.provider_check.providers import Place
from tiled_scim.provider_check.session import Session, Step


def take_up(session: Session) -> None:
    """Clean up what an interrupted run left behind, and what the last run had to leave."""
    cleaning.take_up(session, CLEAN_UP)


CLEAN_UP: tuple[Action, ...] = (cleaning.delete_test_groups, cleaning.delete_test_users)

SEQUENCE: tuple[Step, ...] = (
    Step(
        "Test Connection",
        credentials.credentials,
        "Test Connection fails in Entra, and the credentials cannot be saved.",
        "Respond to a filter without matches with 200 and an empty ListResponse (RFC 7644 section "
        "3.4.2).",
        Place.FORM,
        stops_on_failure=True,
    ),
    Step(
        "The server does not refuse PATCH",
        credentials.patch_support,
        "Entra can create users, but never change or disable one.",
        "Support PATCH (RFC 7644 section 3.5.2), and say so in /ServiceProviderConfig.",
    ),
    Step(
        "A wrong token is refused",
        connection.wrong_token,
        "Entra cannot tell its admin that the credentials are wrong.",
        "Respond to unknown tokens with 401 and a SCIM error with a detail.",
        Place.FORM,
        expected_error=401,
    ),
    Step(
        "Schemas list the attributes of users and groups",
        credentials.list_schemas,
        "Entra's validator fails, and its schema discovery does not offer the attributes.",
        "List each attribute that can be mapped in /Schemas (RFC 7643 section 7).",
    ),
    Step(
        "Unknown users are not found",
        connection.unknown_users,
        "Entra assumes that a deleted user still exists, and its changes fail.",
        "Respond to unknown user ids in any format with 404 and a SCIM error with a detail.",
        expected_error=404,
    ),
    Step(
        "Unknown groups are not found",
        connection.unknown_group,
        "Entra assumes that a deleted group still exists, and its changes fail.",
        "Respond to unknown group ids with 404 and a SCIM error with a detail.",
        Place.GROUPS,
        expected_error=404,
        uses=("Groups",),
    ),
    Step(
        "Look up a user that does not exist",
        users.unknown_user,
        "Entra cannot create new people, because it looks them up first.",
        "Respond to filters on userName, externalId and emails without matches with 200 and an "
        "empty list.",
    ),
    Step(
        "Clean up what an earlier run left",
        take_up,
        "Entra cannot find or update what it created before.",
        "Support filters on userName and displayName, and changing and deleting what they find.",
    ),
    Step(
        "Create a user",
        users.create,
        "The person gets no account.",
        "Respond to the POST with 201 and the complete user, with userName, externalId, name, "
        "emails and active as they were sent.",
        needs=("no user",),
    ),
    Step(
        "A second create is a conflict",
        users.create_twice,
        "Entra creates a second account, or overwrites one, instead of linking the existing one.",
        "Respond to a POST with the userName of an active user with 409 and a SCIM error.",
        expected_error=409,
        needs=("user",),
    ),
    Step(
        "Create two colleagues",
        users.create_colleagues,
        "The people get no accounts.",
        "Accept any number of users.",
        needs=("user",),
    ),
    Step(
        "Look up the user by name, object id and email",
        users.look_up,
        "Entra does not find the account and creates it again.",
        'Support filters on userName, externalId and emails[type eq "work"].value, and with and.',
        needs=("user",),
    ),
    Step(
        "Change each text by its path",
        users.change_strings,
        "Changes of people are lost, and Entra repeats them in each cycle.",
        "Accept Add and Replace in any letter case, with the URN in front of extension attributes.",
        needs=("schemas", "user"),
    ),
    Step(
        "Disable and enable, with booleans and strings",
        users.change_boolean,
        "A person who has left keeps their access.",
        'Accept "True" and "False" for booleans, and respond with booleans.',
        needs=("user",),
    ),
    Step(
        "Build phone numbers and an address from parts",
        users.change_elements,
        "Phone numbers and addresses are lost, or come in several pieces.",
        "Create the element that the filter in a path describes, and merge further parts into it.",
        needs=("schemas", "user"),
    ),
    Step(
        "Change several attributes without a path",
        users.change_without_path,
        "Changes are lost if the flag aadOptscim062020 is in Entra's Tenant URL.",
        "Expand dotted names and URNs among the values of a replace without a path.",
        needs=("schemas", "user"),
    ),
    Step(
        "Clear attributes with empty strings",
        users.clear_with_empty_strings,
        "Values that were emptied in Entra stay on the server, or all changes of the person fail.",
        "Treat an empty string as no value, also where there is no value left to clear.",
        needs=("schemas", "user"),
    ),
    Step(
        "Clear attributes with null",
        users.clear_with_null,
        "Values that were emptied in Entra stay on the server, or all changes of the person fail.",
        "Treat null as no value, also where there is no value left to clear.",
        needs=("schemas", "user"),
    ),
    Step(
        "Set, change and remove the manager",
        users.change_manager,
        "The manager is wrong, or a change of the manager makes the whole change fail.",
        "Accept the manager as a string, as an object and as an array of one, with and without the "
        "URN of the extension, and remove it with an empty value.",
        needs=("user", "colleagues"),
    ),
    Step(
        "Ask whether somebody is the manager",
        users.ask_for_manager,
        "Entra sets the manager again and again, or never.",
        'Support filters such as id eq "…" and manager eq "…".',
        needs=("user", "colleagues"),
    ),
    Step(
        "Read users page by page",
        users.read_pages,
        "Entra's validator fails, and it misses people.",
        "Respond with the startIndex that was asked for, in a stable order (RFC 7644 section "
        "3.4.2.4).",
        Place.IMPORT,
        needs=("user",),
    ),
    Step(
        "Disable the user under another name",
        users.rename_disabled,
        "A person who was deleted in Entra keeps their access, or blocks their userName.",
        "Change active and userName in one request.",
        needs=("user",),
    ),
    Step(
        "Look up a group that does not exist",
        groups.unknown_group_name,
        "Entra links the wrong group, or cannot create a new one.",
        "Respond to a filter on displayName without matches with 200 and an empty list.",
        Place.GROUPS,
        uses=("Groups",),
    ),
    Step(
        "Create a group",
        groups.create,
        "The group is not created, and its members get no access.",
        "Respond to the POST with 201 and the complete group, and ignore schemas that the server "
        "does not know.",
        Place.GROUPS,
        needs=("no group",),
        uses=("Groups",),
    ),
    Step(
        "Look up the group without its members",
        groups.look_up,
        "Entra does not find the group, or reads all members of large groups each time.",
        "Support a filter on displayName together with excludedAttributes=members.",
        Place.GROUPS,
        needs=("group",),
        uses=("Groups",),
    ),
    Step(
        "Change the attributes of the group",
        groups.change_attributes,
        "The group keeps its old name, or Entra loses track of it.",
        "Accept Replace of displayName and externalId, and keep the members.",
        Place.GROUPS,
        needs=("group",),
        uses=("Groups",),
    ),
    Step(
        "Add members to the group",
        groups.add_members,
        "People do not get the access that their group gives.",
        "Keep the existing members on an Add, accept several, and do not store a member twice.",
        Place.GROUPS,
        needs=("user", "colleagues", "group"),
        uses=("Groups",),
    ),
    Step(
        "Remove members from the group, and no others",
        groups.remove_members,
        "People lose access that they should keep, or keep what they should lose.",
        "Remove only the members that the value of a Remove lists.",
        Place.GROUPS,
        needs=("user", "colleagues", "group"),
        uses=("Groups",),
    ),
    Step(
        "Read groups page by page",
        groups.read_pages,
        "Entra's validator fails, and it misses groups.",
        "Respond with the startIndex that was asked for, in a stable order (RFC 7644 section "
        "3.4.2.4).",
        Place.IMPORT,
        needs=("group",),
        uses=("Groups",),
    ),
    Step(
        "Delete the group",
        groups.delete,
        "The group stays after it was deleted in Entra, or its members lose their accounts.",
        "Respond to the DELETE with 204 and to a GET of the group with 404, and keep its members.",
        Place.GROUPS,
        expected_error=404,
        needs=("user", "group"),
        uses=("Groups",),
    ),
    Step(
        "Disable the user",
        users.disable,
        "A person who has left keeps their access.",
        "Accept a Replace of active, and keep a disabled user readable and searchable.",
        needs=("user",),
        ends_use=True,
    ),
    Step(
        "Delete the user",
        users.delete,
        "People who were deleted in Entra for good stay on the server.",
        "Respond to the DELETE with 204, and to a GET of the user with 404.",
        expected_error=404,
        needs=("user",),
    ),
)
