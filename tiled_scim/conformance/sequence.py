"""The sequence: everything that Okta does, in order, with what a failure means in Okta."""

from __future__ import annotations

from . import connecting, groups, users
from .client import UnreachableError
from .conversation import Conversation, MismatchError, Step


def take_up(talk: Conversation) -> None:
    """Bring what an interrupted run left into the state that a whole run leaves."""
    groups.find_group(talk)
    groups.put_group_away(talk)
    users.find_user(talk)
    users.put_user_away(talk)


def clean_up(talk: Conversation) -> list[str]:
    """Leave nothing but the deactivated test person, whatever happened since the connection.

    Returns:
        Sentences on what could not be cleaned up; none when all is well.
    """
    problems = []
    for action in (
        groups.find_group,
        groups.put_group_away,
        users.find_user,
        users.put_user_away,
    ):
        try:
            action(talk)
        except MismatchError as mismatch:
            problems.append(str(mismatch))
        except UnreachableError as unreachable:
            return [*problems, str(unreachable)]
    return problems


SEQUENCE: tuple[Step, ...] = (
    Step(
        "The base URL is one that Okta takes",
        connecting.base_url,
        "Okta's form refuses the base URL.",
    ),
    Step(
        "Test API Credentials",
        connecting.credentials,
        "Test API Credentials fails in Okta, and the integration cannot be saved.",
        is_vital=True,
    ),
    Step(
        "The token without Bearer before it",
        connecting.bare_token,
        "An app that Okta sends the bare token for cannot connect.",
    ),
    Step(
        "A wrong token is refused",
        connecting.wrong_token,
        "Okta tells its admin that wrong credentials work, and so would anybody's.",
    ),
    Step(
        "Unknown ids are not found",
        connecting.unknown_ids,
        "Okta takes a person or group that is gone for one that is there, and its tasks fail.",
    ),
    Step(
        "Look up a person who is not there",
        users.unknown_user_name,
        "Okta looks before it creates: it cannot assign anybody new.",
    ),
    Step(
        "Take up what an earlier run left",
        take_up,
        "Okta cannot find or update what it pushed before.",
    ),
    Step(
        "Assign a person (create)",
        users.assign,
        "The assignment fails, and the person gets no account.",
    ),
    Step(
        "A second create is a conflict",
        users.assign_twice,
        "Okta makes a second account, or overwrites one, instead of linking the person.",
    ),
    Step(
        "Look the person up in another letter case",
        users.look_up_in_capitals,
        "Okta does not find the account and creates it again, or takes another person for it.",
        needs=("user",),
    ),
    Step(
        "Import page by page",
        users.import_pages,
        "An import into Okta misses people or sees them twice.",
    ),
    Step(
        "Update the profile (GET, then PUT)",
        users.update_profile,
        "Profile changes do not arrive; the task fails in Okta or is sent again for ever.",
        needs=("user",),
    ),
    Step(
        "Push empty values",
        users.push_empty_values,
        "Updates of people with an empty attribute fail in Okta.",
        needs=("user",),
    ),
    Step(
        "Tiled Admin, given and taken away",
        users.tiled_admin,
        "Okta cannot make anybody a Tiled Admin, or cannot take it away again.",
        needs=("user",),
    ),
    Step(
        "Unassign the person (deactivate by PATCH)",
        users.unassign,
        "The deactivation fails, and a person who left keeps their access.",
        needs=("user",),
    ),
    Step(
        "Assign the person again (reactivate by PATCH)",
        users.reassign,
        "The person stays locked out after Okta has assigned them again.",
        needs=("user",),
    ),
    Step(
        "Unassign in a wizard app (deactivate by PUT)",
        users.unassign_by_put,
        "The deactivation fails, and a person who left keeps their access.",
        needs=("user",),
    ),
    Step(
        "Assign the inactive person by a fresh create",
        users.reassign_by_post,
        "The assignment fails, or makes a second account: the person is stuck.",
        needs=("user",),
    ),
    Step(
        "Look up a group that is not there",
        groups.unknown_group_name,
        "Okta links a wrong group, or cannot push a new one.",
    ),
    Step(
        "Push a group",
        groups.push_group,
        "The push fails, and the group is marked with an error in Okta.",
    ),
    Step(
        "Add the person to the group, twice",
        groups.add_member,
        "People do not get the access that their group gives.",
        needs=("user", "group"),
    ),
    Step(
        "Rename the group",
        groups.rename_group,
        "The group keeps its old name, or Okta loses track of it.",
        needs=("user", "group"),
    ),
    Step(
        "Many changes in one request",
        groups.mix_changes,
        "Membership changes are lost when Okta sends several at once, as it mostly does.",
        needs=("user", "group"),
    ),
    Step(
        "Remove the person from the group, and nobody else",
        groups.remove_member,
        "People lose access that they should keep, or keep what they should lose.",
        needs=("user", "group"),
    ),
    Step(
        "Push Now: overwrite the members, and empty the group",
        groups.push_now,
        "Push Now does not repair a membership that has gone wrong.",
        needs=("user", "group"),
    ),
    Step(
        "Push the group from a wizard app (PUT)",
        groups.put_group,
        "Apps made in Okta's app wizard cannot change a membership.",
        needs=("user", "group"),
    ),
    Step(
        "Unlink the group and delete it",
        groups.delete_group,
        "The group stays after Okta has let go of it, or its people lose their accounts.",
        needs=("user", "group"),
    ),
    Step(
        "Push the group again, with its people",
        groups.push_group_again,
        "A group that was unlinked once cannot be pushed again.",
        needs=("user",),
    ),
    Step(
        "Leave the test person deactivated",
        users.leave_deactivated,
        "The deactivation fails, and a person who left keeps their access.",
        needs=("user",),
    ),
)
