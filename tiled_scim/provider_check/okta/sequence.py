"""All steps of Okta in order, each with what a failure means and what to do about it."""

from __future__ import annotations

from tiled_scim.provider_check import cleaning, connection
from tiled_scim.provider_check.cleaning import Action
from tiled_scim.provider_check.okta import credentials, groups, users
from tiled_scim.provider_check.providers import Place
from tiled_scim.provider_check.session import Session, Step


def take_up(session: Session) -> None:
    """Clean up what an interrupted run left behind."""
    cleaning.take_up(session, CLEAN_UP)


# How a run ends, whatever state it left the test group and the test user in.
CLEAN_UP: tuple[Action, ...] = (
    cleaning.delete_test_groups,
    cleaning.find_user,
    cleaning.deactivate_test_user,
)
SEQUENCE: tuple[Step, ...] = (
    Step(
        "Okta accepts the base URL",
        credentials.base_url,
        "Okta's form rejects the base URL.",
        "Serve SCIM at a path and host without an underscore.",
        Place.FORM,
    ),
    Step(
        "Test API Credentials",
        credentials.credentials,
        "Test API Credentials fails in Okta, and the integration cannot be saved.",
        "Respond to both requests with a ListResponse of complete resources (RFC 7644 section "
        "3.4.2).",
        Place.FORM,
        stops_on_failure=True,
    ),
    Step(
        "Read the features that the server declares",
        connection.discovery,
        "Okta cannot discover the server's own attributes, or the roles that it could grant.",
        "Serve /ServiceProviderConfig and /ResourceTypes (RFC 7644 section 4), and the roles at "
        "the endpoint that the resource type with Okta's Role schema names.",
    ),
    Step(
        "Send the token without Bearer",
        credentials.bare_token,
        "Okta apps that send the token without Bearer cannot connect.",
        "Accept the token without a scheme, or respond with 401.",
        Place.FORM,
    ),
    Step(
        "A wrong token is refused",
        connection.wrong_token,
        "Okta cannot tell its admin that the credentials are wrong.",
        "Respond to unknown tokens with 401 and a SCIM error with a detail.",
        Place.FORM,
        expected_error=401,
    ),
    Step(
        "Unknown users are not found",
        connection.unknown_users,
        "Okta assumes that a deleted user still exists, and its tasks fail.",
        "Respond to unknown user ids in any format with 404 and a SCIM error with a detail.",
        expected_error=404,
    ),
    Step(
        "Unknown groups are not found",
        connection.unknown_group,
        "Okta assumes that a deleted group still exists, and its pushes fail.",
        "Respond to unknown group ids with 404 and a SCIM error with a detail.",
        Place.GROUPS,
        expected_error=404,
        uses=("Groups",),
    ),
    Step(
        "Look up a user that does not exist",
        users.unknown_user_name,
        "Okta cannot assign new people, because it looks them up before it creates them.",
        "Respond to a filter on userName without matches with 200 and an empty list.",
    ),
    Step(
        "Clean up what an earlier run left",
        take_up,
        "Okta cannot find or update what it pushed before.",
        "Support filters on userName and displayName, and changing and deleting what they find.",
    ),
    Step(
        "Assign a user (create)",
        users.assign,
        "The assignment fails, and the person gets no account.",
        "Respond to the POST with 201, Location and the complete user, with userName, name, emails "
        "and active as they were sent.",
    ),
    Step(
        "A second create is a conflict",
        users.assign_twice,
        "Okta creates a second account, or overwrites one, instead of linking the existing one.",
        "Respond to a POST with the userName of an active user with 409 and a SCIM error.",
        expected_error=409,
        needs=("user",),
    ),
    Step(
        "Look up the user in another letter case",
        users.look_up_in_capitals,
        "Okta does not find the account and creates it again, or links a different one.",
        "Compare userName without case sensitivity, and apply every filter.",
        needs=("user",),
    ),
    Step(
        "Import page by page",
        users.import_pages,
        "An import into Okta misses people or sees them twice.",
        "Support startIndex and count, with a stable order (RFC 7644 section 3.4.2.4).",
        Place.IMPORT,
    ),
    Step(
        "Update the profile (GET, then PUT)",
        users.update_profile,
        "Profile changes are lost, and the task fails in Okta or is repeated forever.",
        "Accept a PUT of a user that was read, and ignore read-only attributes such as meta "
        "(RFC 7644 section 3.5.1).",
        needs=("user",),
    ),
    Step(
        "Push empty values",
        users.push_empty_values,
        "Updates of users with an empty attribute fail in Okta.",
        "Treat empty strings, null and empty arrays as no value (RFC 7643 section 2.5).",
        needs=("user",),
    ),
    Step(
        "Unassign the user (deactivate with PATCH)",
        users.unassign,
        "The deactivation fails, and a person who has left keeps their access.",
        "Accept a replace without a path, and keep a deactivated user readable and searchable.",
        needs=("user",),
        uses=("PATCH",),
    ),
    Step(
        "Assign the user again (reactivate with PATCH)",
        users.reassign,
        "The person stays locked out after Okta has assigned them again.",
        "Accept a replace without a path that sets active to true.",
        needs=("user",),
        uses=("PATCH",),
    ),
    Step(
        "Unassign in a wizard app (deactivate with PUT)",
        users.unassign_by_put,
        "The deactivation fails, and a person who has left keeps their access.",
        "Accept a PUT with active set to false, and respond with the complete user.",
        needs=("user",),
    ),
    Step(
        "Set and clear Tiled Admin",
        users.tiled_admin,
        "Okta cannot make a person a Tiled Admin, or cannot remove the role again.",
        "Store tiledAdmin of the extension that the resource types declare.",
        needs=("user",),
        uses=("Tiled Admin",),
    ),
    Step(
        "Assign the inactive user with a new create",
        users.reassign_by_post,
        "The assignment fails, or creates a second account, and the person stays locked out.",
        "Reactivate the user on a POST of its userName, and keep its id. (RFC 7644 also allows "
        "409, but Okta only reports it.)",
        needs=("user",),
    ),
    Step(
        "Assign again in a wizard app (reactivate with PUT)",
        users.reassign_by_put,
        "The person stays locked out after Okta has assigned them again.",
        "Accept a PUT with active set to true, and respond with the complete user.",
        needs=("user",),
    ),
    Step(
        "Look up a group that does not exist",
        groups.unknown_group_name,
        "Okta links the wrong group, or cannot push a new one.",
        "Respond to a filter on displayName without matches with 200 and an empty list.",
        Place.GROUPS,
        uses=("Groups",),
    ),
    Step(
        "Push a group",
        groups.push_group,
        "The push fails, and the group is marked with an error in Okta.",
        "Respond to the POST with 201, Location and the complete group.",
        Place.GROUPS,
        needs=("no group",),
        uses=("Groups",),
    ),
    Step(
        "Add the user to the group, twice",
        groups.add_member,
        "People do not get the access that their group gives.",
        "Keep the existing members on an add, and do not store a member twice.",
        Place.GROUPS,
        needs=("user", "group"),
        uses=("Groups", "PATCH"),
    ),
    Step(
        "Rename the group",
        groups.rename_group,
        "The group keeps its old name, or Okta loses track of it.",
        "Accept a replace without a path, ignore its id, and find the group by its new name.",
        Place.GROUPS,
        needs=("group",),
        uses=("Groups", "PATCH"),
    ),
    Step(
        "Many changes in one request",
        groups.mix_changes,
        "Membership changes are lost when Okta sends several at once, as it usually does.",
        "Apply all operations of a PATCH in order, and accept the removal of an unknown member.",
        Place.GROUPS,
        needs=("user", "group"),
        uses=("Groups", "PATCH"),
    ),
    Step(
        "Remove the user from the group, and no other member",
        groups.remove_member,
        "People lose access that they should keep, or keep what they should lose.",
        'Remove only the member that members[value eq "id"] selects.',
        Place.GROUPS,
        needs=("user", "group"),
        uses=("Groups", "PATCH"),
    ),
    Step(
        "Push Now: overwrite the members, and empty the group",
        groups.push_now,
        "Push Now does not correct wrong memberships.",
        "Replace all members with those that are sent, with and without a path, and also with an "
        "empty list.",
        Place.GROUPS,
        needs=("user", "group"),
        uses=("Groups", "PATCH"),
    ),
    Step(
        "Push the group from a wizard app (PUT)",
        groups.put_group,
        "Apps made in Okta's app wizard cannot change a membership.",
        "Replace all members with those in the PUT, and respond with the complete group.",
        Place.GROUPS,
        needs=("user", "group"),
        uses=("Groups",),
    ),
    Step(
        "Unlink the group and delete it",
        groups.delete_group,
        "The group stays after Okta has unlinked it, or its members lose their accounts.",
        "Respond to the DELETE with 204 and to a GET of the group with 404, and keep its members.",
        Place.GROUPS,
        expected_error=404,
        needs=("user", "group"),
        uses=("Groups",),
    ),
    Step(
        "Push the group again, with its members",
        groups.push_group_again,
        "A group that was unlinked cannot be pushed again.",
        "Accept a POST with the displayName of a deleted group, including its members.",
        Place.GROUPS,
        needs=("user", "no group"),
        uses=("Groups",),
    ),
    Step(
        "Leave the test user deactivated",
        users.leave_deactivated,
        "The deactivation fails, and a person who has left keeps their access.",
        "Accept setting active to false, and keep a deactivated user readable.",
        needs=("user",),
        ends_use=True,
    ),
)
