"""Advice for events that were refused or failed.

The readers are admins of Okta and of this site, so the texts use the terms of both.
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
    "SCIM provisioning is not part of this account's plan. Please ask your account manager or our "
    "support to enable it."
)

# The keys are a status and what distinguishes causes with the same status: the detail, the
# scimType or the resource type. The first match in the order of `_causes` is used.
ADVICE: Mapping[tuple[int, str], Promise] = {
    (400, "invalidFilter"): _(
        "The client sent a search that this site does not support. No setting in Okta changes "
        "that. Report the detail and the request id to the client's vendor."
    ),
    (400, "invalidPath"): _(
        "A mapped attribute does not exist here. In Okta's Profile Editor, compare its external "
        "name and namespace with the attributes that this site supports."
    ),
    (400, "invalidSyntax"): _(
        "The request is not valid SCIM. No setting in Okta changes that. Report the detail and "
        "the request id to the client's vendor."
    ),
    (400, "invalidValue"): _(
        "A value is invalid. Correct it in the person's profile or in the group in Okta, or "
        "change the attribute mapping. Then retry the task in Okta."
    ),
    (400, "mutability"): _(
        "The request tries to change an attribute that cannot be changed. Remove it from the "
        "attribute mappings in Okta. Then retry the task."
    ),
    (400, "noTarget"): _(
        "The value to change does not exist. In Okta, open the assignment of the person or group "
        "and push it again, so that Okta sends all values."
    ),
    (400, ""): _("Read the detail, correct the problem in Okta, and retry the task there."),
    (401, UNKNOWN_CALLER): _(
        "The request was refused, because its token is unknown. If your Okta sent it, generate a "
        "new token under SCIM Configuration, and paste it into Okta as the API Token."
    ),
    (401, ""): _(
        "Okta's token was replaced or revoked, or has expired. Generate a new one under SCIM "
        "Configuration, and paste it into Okta as the API Token."
    ),
    (403, NOT_ENABLED): _(
        "SCIM provisioning is not part of this account's plan. Have it enabled. Then retry the "
        "tasks in Okta."
    ),
    (403, USER.name): _(
        "SCIM may not change this user, because the user is protected, as superusers are. Change "
        "the user on this site, or remove the assignment to the app in Okta."
    ),
    (403, ""): _(
        "This is not allowed with any token. You do not have to change anything on this site."
    ),
    (404, USER.name): _(
        "This user was deleted or unlinked here. In Okta, unassign the person from the app and "
        "assign them again to create the user again, or leave them unassigned."
    ),
    (404, GROUP.name): _(
        "This group was unlinked here, or its Library was deleted. In Okta, under Push Groups, "
        "unlink the group and push it again to create the Library again, or leave it unlinked."
    ),
    (404, ""): _(
        "Nothing exists at this URL. Compare the Base URL in Okta with the one under SCIM "
        "Configuration."
    ),
    (405, ""): _(
        "This URL does not support the request of the client. Compare the Base URL in Okta with "
        "the one under SCIM Configuration."
    ),
    (409, USER.name): _(
        "Another user here already has this username or email address. Rename that user here, or "
        "the person in Okta. Then retry the task. A protected user, such as a superuser, cannot "
        "be linked."
    ),
    (409, GROUP.name): _(
        "A group or Library with this name already exists here. Rename the Library here, or the "
        "group in Okta. Then push the group again."
    ),
    (409, ""): _(
        "The name is already used here. Rename one of the two. Then retry the task in Okta."
    ),
    (412, ""): _(
        "Another change was saved first. Clients repeat their change automatically. If this one "
        "is not repeated, push the person or group again."
    ),
    (413, ""): _(
        "The request was too large. Push fewer members at once, or ask the operator of this site "
        "to raise the limit that the detail names."
    ),
    (415, ""): _(
        "The client sent data in a format that this site does not support. In Okta, choose an app "
        "that uses SCIM 2.0 with JSON."
    ),
    (429, ""): _(
        "Okta sent too many requests, and retries automatically. If this continues for hours, ask "
        "the operator of this site to raise the limit."
    ),
    (501, ""): _("This site does not support the request. Okta does not need it."),
    (503, ""): _(
        "This site was busy, and Okta retries automatically. If this happens often, tell the "
        "operator of this site."
    ),
}
OTHER_REFUSAL = _("Read the detail, correct the problem, and retry the task in Okta.")
OTHER_FAILURE = _(
    "This is an error of this site, not of Okta. Give its operator the request id to find the "
    "cause in the log. Then retry the task in Okta."
)


def advice(event: ScimEvent) -> str:
    """Return what to do about an event, or "" if it was neither refused nor failed."""
    if event.outcome not in {Outcome.REFUSED, Outcome.FAILED}:
        return ""
    keys = ((event.status or 0, cause) for cause in _causes(event))
    other = OTHER_FAILURE if event.outcome == Outcome.FAILED else OTHER_REFUSAL
    return str(next((ADVICE[key] for key in keys if key in ADVICE), other))


def _causes(event: ScimEvent) -> Iterator[str]:
    """Yield what distinguishes causes with the same status, the most specific first."""
    caller = UNKNOWN_CALLER if event.account is None else ""
    yield from filter(None, (event.detail, caller, event.scim_type, event.resource_type))
    yield ""
