"""The sequence: everything that Okta does, in order, with what a failure means and what to do."""

from __future__ import annotations

from tiled_scim.okta_check import connecting, groups, users
from tiled_scim.okta_check.client import UnreachableError
from tiled_scim.okta_check.conversation import Conversation, MismatchError, Step
from tiled_scim.okta_check.diagnosis import Place


def take_up(talk: Conversation) -> None:
    """Bring what an interrupted run left into the state that a whole run leaves."""
    problems: list[str] = []
    _put_away(talk, problems)
    talk.require(problems)


def clean_up(talk: Conversation) -> list[str]:
    """Leave nothing but the deactivated test person, whatever happened since the connection.

    Returns:
        Sentences on what could not be cleaned up; none when all is well.
    """
    problems: list[str] = []
    try:
        _put_away(talk, problems)
    except UnreachableError as unreachable:
        problems.append(str(unreachable))
    return problems


def _put_away(talk: Conversation, problems: list[str]) -> None:
    """Do all that can be done, and add to the problems what cannot."""
    for action in (groups.put_groups_away, users.find_user, users.put_user_away):
        try:
            action(talk)
        except MismatchError as mismatch:
            problems.append(str(mismatch))


SEQUENCE: tuple[Step, ...] = (
    Step(
        "The base URL is one that Okta takes",
        connecting.base_url,
        "Okta's form refuses the base URL.",
        "Serve SCIM at a path and host without an underscore.",
        Place.FORM,
    ),
    Step(
        "Test API Credentials",
        connecting.credentials,
        "Test API Credentials fails in Okta, and the integration cannot be saved.",
        "Answer both lists with a ListResponse of whole resources (RFC 7644 section 3.4.2).",
        Place.FORM,
        is_vital=True,
    ),
    Step(
        "What the server says that it offers",
        connecting.discovery,
        "Okta can do without, and finds no attributes of the server's own.",
        "Answer /ServiceProviderConfig and /ResourceTypes (RFC 7644 section 4).",
    ),
    Step(
        "The token without Bearer before it",
        connecting.bare_token,
        "An app that Okta sends the bare token for cannot connect.",
        "Take the token with no scheme before it, too, or refuse it with 401.",
        Place.FORM,
    ),
    Step(
        "A wrong token is refused",
        connecting.wrong_token,
        "Okta cannot tell its admin that the credentials are wrong.",
        "Answer 401 with an Error and a detail to every token that the server did not give.",
        Place.FORM,
        refusal=401,
    ),
    Step(
        "Unknown users are not found",
        connecting.unknown_users,
        "Okta takes a person who is gone for one who is there, and its tasks fail.",
        "Answer 404 with an Error and a detail to any id that no user has, of whatever form.",
        refusal=404,
    ),
    Step(
        "Unknown groups are not found",
        connecting.unknown_group,
        "Okta takes a group that is gone for one that is there, and its pushes fail.",
        "Answer 404 with an Error and a detail to any id that no group has.",
        Place.GROUPS,
        refusal=404,
        uses=("Groups",),
    ),
    Step(
        "Look up a person who is not there",
        users.unknown_user_name,
        "Okta looks before it creates: it cannot assign anybody new.",
        "Answer a filter on userName that finds nobody with 200 and an empty list.",
    ),
    Step(
        "Take up what an earlier run left",
        take_up,
        "Okta cannot find or update what it pushed before.",
        "Find users by userName and groups by displayName, and let them be changed and deleted.",
    ),
    Step(
        "Assign a person (create)",
        users.assign,
        "The assignment fails, and the person gets no account.",
        "Answer the POST with 201, Location and the whole user, with userName, name, emails and "
        "active as they were sent.",
    ),
    Step(
        "A second create is a conflict",
        users.assign_twice,
        "Okta makes a second account, or overwrites one, instead of linking the person.",
        "Answer the POST of a userName that an active user has with 409 and an Error.",
        refusal=409,
        needs=("user",),
    ),
    Step(
        "Look the person up in another letter case",
        users.look_up_in_capitals,
        "Okta does not find the account and creates it again, or takes another person for it.",
        "Compare userName without regard to letter case, and heed every filter.",
        needs=("user",),
    ),
    Step(
        "Import page by page",
        users.import_pages,
        "An import into Okta misses people or sees them twice.",
        "Keep to startIndex and count, in an order that stays the same (RFC 7644 section 3.4.2.4).",
        Place.IMPORT,
    ),
    Step(
        "Update the profile (GET, then PUT)",
        users.update_profile,
        "Profile changes do not arrive; the task fails in Okta or is sent again for ever.",
        "Take a PUT of what was read: ignore read-only attributes such as meta, whatever they are "
        "(RFC 7644 section 3.5.1).",
        needs=("user",),
    ),
    Step(
        "Push empty values",
        users.push_empty_values,
        "Updates of people with an empty attribute fail in Okta.",
        "Take empty text, null and empty arrays as no value (RFC 7643 section 2.5).",
        needs=("user",),
    ),
    Step(
        "Unassign the person (deactivate by PATCH)",
        users.unassign,
        "The deactivation fails, and a person who left keeps their access.",
        "Take a replace without a path, and let a deactivated user be read and found.",
        needs=("user",),
        uses=("PATCH",),
    ),
    Step(
        "Assign the person again (reactivate by PATCH)",
        users.reassign,
        "The person stays locked out after Okta has assigned them again.",
        "Take a replace without a path that sets active back to true.",
        needs=("user",),
        uses=("PATCH",),
    ),
    Step(
        "Unassign in a wizard app (deactivate by PUT)",
        users.unassign_by_put,
        "The deactivation fails, and a person who left keeps their access.",
        "Take a PUT with active set to false, and answer with the whole user.",
        needs=("user",),
    ),
    Step(
        "Tiled Admin, given and taken away",
        users.tiled_admin,
        "Okta cannot make anybody a Tiled Admin, or cannot take it away again.",
        "Keep tiledAdmin of the extension that the resource types name.",
        needs=("user",),
        uses=("Tiled Admin",),
    ),
    Step(
        "Assign the inactive person by a fresh create",
        users.reassign_by_post,
        "The assignment fails, or makes a second account: the person is stuck.",
        "Take the POST of a deactivated user's userName as a reactivation, under the same id. (A "
        "409 is right by RFC 7644; Okta does no more than report it.)",
        needs=("user",),
    ),
    Step(
        "Assign again in a wizard app (reactivate by PUT)",
        users.reassign_by_put,
        "The person stays locked out after Okta has assigned them again.",
        "Take a PUT with active set to true again, and answer with the whole user.",
        needs=("user",),
    ),
    Step(
        "Look up a group that is not there",
        groups.unknown_group_name,
        "Okta links a wrong group, or cannot push a new one.",
        "Answer a filter on displayName that finds no group with 200 and an empty list.",
        Place.GROUPS,
        uses=("Groups",),
    ),
    Step(
        "Push a group",
        groups.push_group,
        "The push fails, and the group is marked with an error in Okta.",
        "Answer the POST with 201, Location and the whole group.",
        Place.GROUPS,
        needs=("no group",),
        uses=("Groups",),
    ),
    Step(
        "Add the person to the group, twice",
        groups.add_member,
        "People do not get the access that their group gives.",
        "Let an add to members keep those who are there, and each of them once.",
        Place.GROUPS,
        needs=("user", "group"),
        uses=("Groups", "PATCH"),
    ),
    Step(
        "Rename the group",
        groups.rename_group,
        "The group keeps its old name, or Okta loses track of it.",
        "Take a replace without a path, ignore the id in it, and find the group by its new name.",
        Place.GROUPS,
        needs=("group",),
        uses=("Groups", "PATCH"),
    ),
    Step(
        "Many changes in one request",
        groups.mix_changes,
        "Membership changes are lost when Okta sends several at once, as it mostly does.",
        "Carry the operations of a PATCH out in order, all of them; a removal that finds nobody is "
        "no error.",
        Place.GROUPS,
        needs=("user", "group"),
        uses=("Groups", "PATCH"),
    ),
    Step(
        "Remove the person from the group, and nobody else",
        groups.remove_member,
        "People lose access that they should keep, or keep what they should lose.",
        'Let members[value eq "id"] remove this member and no other.',
        Place.GROUPS,
        needs=("user", "group"),
        uses=("Groups", "PATCH"),
    ),
    Step(
        "Push Now: overwrite the members, and empty the group",
        groups.push_now,
        "Push Now does not repair a membership that has gone wrong.",
        "Let a replace of members leave just those who are sent, with a path and without, down to "
        "nobody.",
        Place.GROUPS,
        needs=("user", "group"),
        uses=("Groups", "PATCH"),
    ),
    Step(
        "Push the group from a wizard app (PUT)",
        groups.put_group,
        "Apps made in Okta's app wizard cannot change a membership.",
        "Let a PUT leave just the members that are sent, and answer with the whole group.",
        Place.GROUPS,
        needs=("user", "group"),
        uses=("Groups",),
    ),
    Step(
        "Unlink the group and delete it",
        groups.delete_group,
        "The group stays after Okta has let go of it, or its people lose their accounts.",
        "Answer the DELETE with 204 and a GET of the group with 404, and leave its people alone.",
        Place.GROUPS,
        refusal=404,
        needs=("user", "group"),
        uses=("Groups",),
    ),
    Step(
        "Push the group again, with its people",
        groups.push_group_again,
        "A group that was unlinked once cannot be pushed again.",
        "Take the POST of a deleted group's displayName, with its members in the same request.",
        Place.GROUPS,
        needs=("user", "no group"),
        uses=("Groups",),
    ),
    Step(
        "Leave the test person deactivated",
        users.leave_deactivated,
        "The deactivation fails, and a person who left keeps their access.",
        "Let active be set to false, and let a deactivated user be read.",
        needs=("user",),
    ),
)
