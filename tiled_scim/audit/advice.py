"""Advice for events that were refused or failed.

The readers are admins of Okta and of this site, so the texts use the terms of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from tiled_scim.errors import Cause
from tiled_scim.models import Outcome, ScimEvent
from tiled_scim.schemas import GROUP, USER
from tiled_scim.words import words

UNKNOWN_CALLER = "unknown caller"
NOT_ENABLED = gettext_noop(
    "SCIM provisioning is not part of this account's plan. Please ask your account manager or our "
    "support to enable it."
)

CLIENT_ERROR = _(
    "The client sent something that SCIM does not allow. No setting in Okta changes that. Report "
    "the detail and the request id to the client's vendor."
)
UNSUPPORTED_SEARCH = _(
    "The client sent a search that this site does not support. No setting in Okta changes "
    "that. Report the detail and the request id to the client's vendor."
)
# What to do about each cause. It may contain the host's words.
BY_CAUSE: Mapping[str, Promise] = {
    Cause.NOT_ENABLED: _(
        "SCIM provisioning is not part of this account's plan. Have it enabled. Then retry the "
        "tasks in Okta."
    ),
    Cause.NO_ACCOUNT: _(
        "The account of this token does not exist here any more. Revoke the token, and remove the "
        "app from Okta."
    ),
    Cause.PROTECTED: _(
        "This user is protected here, as superusers are, so SCIM may not link or change the user. "
        "Change the user on this site, or remove the assignment to the app in Okta."
    ),
    Cause.LAST_ADMIN: _(
        "Nobody else here is an active %(admin)s. Make another person %(admin)s, in Okta or on "
        "this site. Then retry the task in Okta."
    ),
    Cause.USER_EXISTS: _(
        "Okta manages a user with this userName already. If two people have it in Okta, change it "
        "for one of them. If it is the same person, unassign them from the app and assign them "
        "again."
    ),
    Cause.USER_LINKED: _(
        "Okta manages this user already, under another userName. In Okta, unassign one of the two "
        "people from the app, or correct the attribute that the detail names."
    ),
    Cause.USERNAME_IN_USE: _(
        "A user here whom Okta does not manage has this username. Rename that user on this site, "
        "or change userName of the person in Okta. Then retry the task."
    ),
    Cause.EMAIL_IN_USE: _(
        "A user here whom Okta does not manage has this email address. Change it for that user on "
        "this site, or for the person in Okta. Then retry the task."
    ),
    Cause.OUTSIDE_DOMAINS: _(
        "This account may only have people with addresses at its own domains. Correct userName or "
        "the email address in Okta, or have the domain added on this site. Then retry the task in "
        "Okta."
    ),
    Cause.AMBIGUOUS_USER: _(
        "Several users here have this value in different spellings. Change it for all of them but "
        "the right one on this site. Then retry the task in Okta."
    ),
    Cause.UNKNOWN_MEMBERS: _(
        "The group has members who are not assigned to the app. In Okta, assign them, or the whole "
        "group. Then push the group again."
    ),
    Cause.UNKNOWN_ROLE: _(
        "This site has no such role. In Okta, give the person one of the roles that the detail "
        "names. Then retry the task."
    ),
    Cause.GROUP_EXISTS: _(
        "Okta has pushed another group with this name. Rename one of the two groups in Okta, or "
        "unlink the other one under Push Groups. Then push the group again."
    ),
    Cause.LIBRARY_EXISTS: _(
        "This name is used here already (%(library)s). Rename it on this site, or rename the group "
        "in Okta. Then push the group again."
    ),
    Cause.VALUE_IN_USE: _(
        "Something else on this site has this value, which must be unique. Change it here, or in "
        "Okta. Then retry the task in Okta."
    ),
    Cause.NOT_SIGNED: _(
        "The request for Universal Logout was not signed by the issuer that is configured here, or "
        "for another URL. Compare both with those in Okta. The log of this site says what is wrong."
    ),
    Cause.SETUP_LINK_ENDED: _(
        "Somebody opened a setup link that does not work any more. If it was your colleague, "
        "create another link. If not, do nothing: the link shows and changes nothing."
    ),
    Cause.UNKNOWN_CLIENT: _(
        "Somebody asked for an access token with a client id that does not exist here. If it was "
        "your identity provider, copy the client id again from the page OAuth clients."
    ),
    Cause.CLIENT_SECRET: _(
        "The client secret is wrong or has expired, or it or its client was revoked. Add a secret "
        "on the page OAuth clients, and paste it into your identity provider."
    ),
    Cause.ASSERTION: _(
        "The identity provider did not prove who it is, or its keys could not be fetched. Compare "
        "issuer, subject and audience of the federation with those in your identity provider."
    ),
    Cause.ACCESS_TOKEN: _(
        "The access token has expired, or its client or client secret was revoked. If the client "
        "still works, your identity provider gets another access token by itself."
    ),
    Cause.CLIENT: CLIENT_ERROR,
    Cause.OPERATOR: _(
        "The settings of this site do not allow the request. Give its operator the detail and the "
        "request id. Then retry the task in Okta."
    ),
}
# The keys are a status and what distinguishes causes with the same status: the caller, the scimType
# or the resource type. The first match in the order of `_kinds` is used.
ADVICE: Mapping[tuple[int, str], Promise] = {
    (400, "invalidFilter"): UNSUPPORTED_SEARCH,
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
    (400, "tooMany"): UNSUPPORTED_SEARCH,
    (400, "expiredCursor"): CLIENT_ERROR,
    (400, "invalidCount"): CLIENT_ERROR,
    (400, "invalidCursor"): CLIENT_ERROR,
    (400, ""): _("Read the detail, correct the problem in Okta, and retry the task there."),
    (401, UNKNOWN_CALLER): _(
        "The request was refused, because its token is unknown. If your Okta sent it, generate a "
        "new token under SCIM Configuration, and paste it into Okta as the API Token."
    ),
    (401, ""): _(
        "Okta's token was replaced or revoked, or has expired. Generate a new one under SCIM "
        "Configuration, and paste it into Okta as the API Token."
    ),
    (403, ""): _(
        "This is not allowed with any token. You do not have to change anything on this site."
    ),
    (404, USER.name): _(
        "This user was deleted or unlinked here. In Okta, unassign the person from the app and "
        "assign them again to create the user again, or leave them unassigned."
    ),
    (404, GROUP.name): _(
        "This group was unlinked here, or its %(library)s was deleted. In Okta, under Push Groups, "
        "unlink the group and push it again, or leave it unlinked."
    ),
    (404, ""): _(
        "Nothing exists at this URL. Compare the Base URL in Okta with the one under SCIM "
        "Configuration."
    ),
    (405, ""): _(
        "This URL does not support the request of the client. Compare the Base URL in Okta with "
        "the one under SCIM Configuration."
    ),
    (409, ""): _(
        "A value is already used here. Change the attribute that the detail names, on one of the "
        "two sides. Then retry the task in Okta."
    ),
    (411, ""): CLIENT_ERROR,
    (412, ""): _(
        "Another change was saved first. Clients repeat their change automatically. If this one "
        "is not repeated, push the person or group again."
    ),
    (413, ""): _(
        "The request was too large. Push fewer members at once, or shorten the values that the "
        "detail names in the person's profile in Okta."
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
    return str(_advice(event)) % words()


def _advice(event: ScimEvent) -> Promise:
    if event.cause in BY_CAUSE:
        return BY_CAUSE[event.cause]
    keys = ((event.status or 0, kind) for kind in _kinds(event))
    other = OTHER_FAILURE if event.outcome == Outcome.FAILED else OTHER_REFUSAL
    return next((ADVICE[key] for key in keys if key in ADVICE), other)


def _kinds(event: ScimEvent) -> Iterator[str]:
    """Yield what distinguishes causes with the same status, the most specific first."""
    caller = UNKNOWN_CALLER if event.account is None else ""
    yield from filter(None, (caller, event.scim_type, event.resource_type))
    yield ""
