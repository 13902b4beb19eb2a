"""What the tests in `end_to_end/state_machine` found, in the fewest requests that show it."""

from __future__ import annotations

from django.contrib.auth.models import User

from .client import ANN, BOB, Scim, add_members, remove_member, user


def test_who_is_pushed_again_has_the_name_that_another_had_meanwhile(scim: Scim) -> None:
    ann, bob = scim.add_user(ANN), scim.add_user(BOB)
    scim.delete(f"/Users/{ann}")
    # Bob's username in the host is his own, so that it does not follow userName.
    User.objects.filter(username=BOB).update(username="hope")
    User.objects.filter(username=ANN).update(username="ann")
    for name in (ANN, BOB):
        assert scim.put(f"/Users/{bob}", user(name)).status == 200
    User.objects.filter(username="ann").update(username=ANN)

    assert scim.add_user(ANN) == ann

    assert scim.found("/Users", f'userName eq "{ANN}"') == [ann]
    assert scim.put(f"/Users/{bob}", user(ANN)).error == (409, "uniqueness")


def test_a_name_to_show_goes_with_the_member_that_it_was_sent_with(scim: Scim, sales: str) -> None:
    bob = scim.add_user(BOB)
    added = {"op": "add", "path": "members", "value": [{"value": bob}]}

    scim.patch(f"/Groups/{sales}", add_members(bob), remove_member(bob), added)

    members = scim.get(f"/Groups/{sales}").json["members"]
    assert {"value": bob, "display": BOB}.items() <= members[1].items()
