"""What to do about an event that was refused or failed: a sentence for the people who read it.

They are the admins of Okta and of this site: so the words are those of Okta's pages and of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from tiled_scim.models import Outcome, ScimEvent
from tiled_scim.schemas import GROUP, USER

UNKNOWN_CALLER = "unknown caller"
NOT_ENABLED = gettext_noop(
    "SCIM provisioning is not part of this account's plan. Please ask your account manager, or our "
    "support, to switch it on."
)

# By the status, and by what tells apart causes that share one: the detail, a scimType, or a
# resource type. The first that fits is taken, in the order of `_causes`.
ADVICE: Mapping[tuple[int, str], Promise] = {
    (400, "invalidFilter"): _(
        "The client searches in a way that this site does not know, which no setting in Okta "
        "changes. Give its maker the detail and the request id."
    ),
    (400, "invalidPath"): _(
        "A mapped attribute does not exist here. In Okta's Profile Editor, compare its external "
        "name and namespace with the attributes that this site supports."
    ),
    (400, "invalidSyntax"): _(
        "The request is not SCIM as this site reads it, which no setting in Okta changes. Give the "
        "client's maker the detail and the request id."
    ),
    (400, "invalidValue"): _(
        "A value does not fit. Correct it in the person's profile or in the group in Okta, or "
        "change the attribute mapping; then retry the task in Okta."
    ),
    (400, "mutability"): _(
        "An attribute that never changes was to be changed. Take it out of the attribute mappings "
        "in Okta; then retry the task."
    ),
    (400, "noTarget"): _(
        "What should have been changed is not there. In Okta, open the person's or group's "
        "assignment and push it again, so that all of it is sent."
    ),
    (400, ""): _("Read the detail, correct in Okta what it names, and retry the task there."),
    (401, UNKNOWN_CALLER): _(
        "Whoever this was has not been let in. If it was your Okta, its token is wrong: generate a "
        "new one under SCIM Configuration, and paste it into Okta as the API Token."
    ),
    (401, ""): _(
        "The token that Okta has was replaced, was revoked or has expired. Generate a new one "
        "under SCIM Configuration, and paste it into Okta as the API Token."
    ),
    (403, NOT_ENABLED): _(
        "SCIM provisioning is not part of this account's plan. Have it switched on; then retry the "
        "tasks in Okta."
    ),
    (403, USER.name): _(
        "SCIM may not change this person, who is protected here, as superusers are. Change them on "
        "this site, or remove their assignment to the app in Okta."
    ),
    (403, ""): _("This is not allowed, whatever the token. Nothing has to be done on this site."),
    (404, USER.name): _(
        "This user was deleted here, or let go. In Okta, unassign the person from the app and "
        "assign them again, which makes the user anew; or leave them unassigned."
    ),
    (404, GROUP.name): _(
        "This group was let go here, or its Library was deleted. In Okta, under Push Groups, "
        "unlink the group and push it again, which makes the Library anew; or leave it unlinked."
    ),
    (404, ""): _(
        "There is nothing at this address. Compare the Base URL in Okta with the one under SCIM "
        "Configuration."
    ),
    (405, ""): _(
        "The client asked for what cannot be done at this address. Compare the Base URL in Okta "
        "with the one under SCIM Configuration."
    ),
    (409, USER.name): _(
        "Somebody here has this username or e-mail address already. Rename that user here, or the "
        "person in Okta; then retry the task. A protected user, such as a superuser, cannot be "
        "taken over."
    ),
    (409, GROUP.name): _(
        "A group or a Library here has this name already. Rename the Library here, or the group in "
        "Okta; then push the group again."
    ),
    (409, ""): _("The name is taken here. Rename one of the two; then retry the task in Okta."),
    (412, ""): _(
        "Two changes met, and this one came second. Clients repeat it by themselves; if it stays "
        "away, push the person or group again."
    ),
    (413, ""): _(
        "This was more than one request may carry. Push fewer members at once, or have this site's "
        "operator raise the limit that the detail names."
    ),
    (415, ""): _(
        "The client sends its data in a form that this site does not read. In Okta, choose an app "
        "that speaks SCIM 2.0 with JSON."
    ),
    (429, ""): _(
        "Okta was asked to slow down, and sends this again by itself. If it goes on for hours, "
        "have this site's operator raise the limit."
    ),
    (501, ""): _("This site does not offer what was asked for, and Okta does not need it."),
    (503, ""): _(
        "This site was busy, and Okta sends this again by itself. If it happens often, tell the "
        "site's operator."
    ),
}
OTHER_REFUSAL = _("Read the detail, correct what it names, and retry the task in Okta.")
OTHER_FAILURE = _(
    "This is a fault of this site, not of Okta. Give its operator the request id, under which the "
    "log has more; then retry the task in Okta."
)


def advice(event: ScimEvent) -> str:
    """One sentence or two on what to do about an event; empty where nothing went wrong."""
    if event.outcome not in {Outcome.REFUSED, Outcome.FAILED}:
        return ""
    keys = ((event.status or 0, cause) for cause in _causes(event))
    other = OTHER_FAILURE if event.outcome == Outcome.FAILED else OTHER_REFUSAL
    return str(next((ADVICE[key] for key in keys if key in ADVICE), other))


def _causes(event: ScimEvent) -> Iterator[str]:
    """What may tell apart the causes of one status, from the most to the least particular."""
    caller = UNKNOWN_CALLER if event.account is None else ""
    yield from filter(None, (event.detail, caller, event.scim_type, event.resource_type))
    yield ""
