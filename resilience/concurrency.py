"""Scenarios with concurrent clients: no write may be lost, duplicated or fail."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import cast

from tiled_scim import clients
from tiled_scim.clients import NewClientSecret
from tiled_scim.connections import Actor, Connection
from tiled_scim.models import UserLink

from . import state
from .client import Answer, Client, StoppedError, request_access_token
from .messages import (
    add_members,
    create_group,
    create_user,
    delete_group,
    delete_user,
    remove_members,
    replace_group,
    replace_members,
    replace_user,
    set_attributes,
)
from .provisioning import GROUP, Provisioning, check_provisioned
from .stage import Stage

ATTRIBUTES = (
    *("title", "nickName", "locale", "timezone", "userType", "displayName"),
    *("preferredLanguage", "profileUrl", "externalId"),
)
# The number of people that each client provisions.
PEOPLE_EACH = 5
# How often the token is replaced, and for how many seconds each token is used.
REPLACEMENTS = 3
TOKEN_SECONDS = 0.4
# More than two rounds of requests of each client may take.
ROUND_SECONDS = 60
# How long a replaced token is kept.
KEPT = timedelta(seconds=1)


def steady_provisioning(stage: Stage) -> None:
    sales = stage.group(GROUP)
    crowd = [Provisioning(stage, sales, number) for number in range(stage.crowd)]
    with ThreadPoolExecutor(stage.crowd) as pool:
        shares = pool.map(lambda client: [*map(client.provision, range(PEOPLE_EACH))], crowd)
        names = [name for share in shares for name in share]
    check_provisioned(stage, names)


def adds_to_one_group(stage: Stage) -> None:
    people = stage.people(stage.crowd)
    sales = stage.group("sales")
    answers = stage.at_once([add_members(sales, key) for key in people.values()])
    stage.require(answers, 204)
    stage.check(state.people(people) + state.group("sales", people))


def adds_and_removes(stage: Stage) -> None:
    people = stage.people(stage.crowd)
    leaving, coming = _halves(people)
    sales = stage.group("sales", *leaving.values())
    requests = [
        *(remove_members(sales, key) for key in leaving.values()),
        *(add_members(sales, key) for key in coming.values()),
    ]
    stage.require(stage.at_once(requests), 204)
    stage.check(state.people(people) + state.group("sales", coming))


def overlapping_sets(stage: Stage) -> None:
    """Push most people to each group, in a different order from each client."""
    people = stage.people(stage.crowd)
    groups = {f"group{number}": stage.group(f"group{number}") for number in range(4)}
    keys = list(people.values())
    requests = [
        send(key, *stage.chance.sample(keys, len(keys)))
        for key in groups.values()
        for send in (add_members, replace_members, add_members)
    ]
    requests += [
        add_members(key, *stage.chance.sample(keys, 3)) for key in groups.values() for _ in "12"
    ]
    stage.require(stage.at_once(requests), 204)
    expected = state.people(people)
    for name in groups:
        expected += state.group(name, people)
    stage.check(expected)


def one_name_in_many_spellings(stage: Stage) -> None:
    spellings = [
        "".join(
            letter.upper() if number >> place & 1 else letter
            for place, letter in enumerate("julia")
        )
        for number in range(stage.crowd)
    ]
    answers = stage.at_once([create_user(name) for name in spellings])
    stage.require_statuses(answers, {201: 1, 409: stage.crowd - 1})
    stage.check(state.person("julia"))


def one_group_name(stage: Stage) -> None:
    answers = stage.at_once([create_group("sales")] * stage.crowd)
    stage.require_statuses(answers, {201: 1, 409: stage.crowd - 1})
    stage.check(state.group("sales"))


def attributes_of_one_person(stage: Stage) -> None:
    [(name, key)] = stage.people(1).items()
    requests = [set_attributes(key, **{attribute: "x"}) for attribute in ATTRIBUTES]
    stage.require(stage.at_once(requests), 200)
    _compare_attributes(stage, key, ATTRIBUTES)
    stage.check(state.person(name))


def push_now_against_adds(stage: Stage) -> None:
    """Members added before the push must be removed by it, and those added after it must stay."""
    people = stage.people(stage.crowd)
    pushed, added = _halves(people)
    sales = stage.group("sales")
    requests = [add_members(sales, key) for key in added.values()]
    push = replace_group(sales, "sales", *pushed.values())
    requests.insert(len(requests) // 2, push)
    answers = stage.at_once(requests)
    stage.require(answers, 200, 204)
    [replaced] = [answer for answer in answers if answer.request is push]
    stage.wait_until_idle()
    found = state.facts()
    members = {
        name
        for name, answer in zip(added, _without(answers, replaced), strict=True)
        if _is_in(answer, replaced, found[f"{name} is in sales"])
    }
    stage.check(state.people(people) + state.group("sales", {*pushed, *members}))


def deactivation_against_patches(stage: Stage) -> None:
    [(name, key)] = stage.people(1).items()
    requests = [set_attributes(key, **{attribute: "x"}) for attribute in ATTRIBUTES]
    requests.append(set_attributes(key, active=False))
    stage.require(stage.at_once(requests), 200)
    _compare_attributes(stage, key, ATTRIBUTES)
    stage.check(state.person(name, active=False))


def deletes_of_people_against_everything(stage: Stage) -> None:
    people = stage.people(stage.crowd)
    leaving, staying = _halves(people)
    keys = list(people.values())
    groups = {f"group{number}": stage.group(f"group{number}", *keys) for number in range(3)}
    requests = [
        *(delete_user(key) for key in leaving.values()),
        *(add_members(key, *keys) for key in groups.values()),
        *(replace_group(key, name, *keys) for name, key in groups.items()),
        *(set_attributes(key, title="x") for key in leaving.values()),
        *(replace_user(key, name, title="x") for name, key in staying.items()),
    ]
    stage.require(stage.at_once(requests), 200, 204, 404)
    expected = state.people(staying)
    for name in leaving:
        expected += state.unlinked(name)
    for name in groups:
        expected += state.group(name, staying)
    stage.check(expected)


def deletes_of_groups_against_everything(stage: Stage) -> None:
    people = stage.people(stage.crowd)
    keys = list(people.values())
    groups = {f"group{number}": stage.group(f"group{number}", *keys[:5]) for number in range(4)}
    requests = [
        *(delete_group(key) for key in groups.values()),
        *(add_members(key, member) for key in groups.values() for member in keys[5:9]),
        *(remove_members(key, keys[0]) for key in groups.values()),
        *(replace_group(key, name, *keys) for name, key in groups.items()),
        *(set_attributes(key, title="x") for key in keys),
    ]
    stage.require(stage.at_once(requests), 200, 204, 404)
    expected = state.people(people)
    for name in groups:
        expected += state.group_unlinked(name)
    stage.check(expected)


def token_replaced_under_load(stage: Stage) -> None:
    """A token must work until it is replaced, and not afterwards."""
    ended: dict[str, tuple[float, float]] = {}
    load = Load(stage)
    with ThreadPoolExecutor(stage.crowd) as pool:
        runs = [pool.submit(load.run, number) for number in range(stage.crowd)]
        for _ in range(REPLACEMENTS):
            time.sleep(TOKEN_SECONDS)
            old, began = stage.token, time.monotonic()
            stage.token = Connection().rotate(Actor("Resilience")).plaintext
            ended[old] = began, time.monotonic()
            stage.tally.count("faults")
        time.sleep(TOKEN_SECONDS)
        load.is_over = True
        answers = [each for run in runs for each in run.result()]
    for token, answer in answers:
        began, done = ended.get(token, (float("inf"), float("inf")))
        if answer.ended < began:
            stage.require([answer], 201)
        elif answer.began > done:
            stage.require([answer], 401)
    created = [answer.json["userName"] for _, answer in answers if answer.status == 201]
    stage.check(state.people(created))


def token_kept_under_load(stage: Stage) -> None:
    """Both tokens must work until the old one ends by itself, and only the new one afterwards."""
    load, old = HalfLoad(stage), stage.token
    with ThreadPoolExecutor(stage.crowd) as pool:
        runs = [pool.submit(load.run, number) for number in range(stage.crowd)]
        time.sleep(TOKEN_SECONDS)
        began = time.monotonic()
        stage.token = Connection().rotate(Actor("Resilience"), keep=KEPT).plaintext
        done = time.monotonic()
        stage.tally.count("faults")
        time.sleep(KEPT.total_seconds() + TOKEN_SECONDS)
        load.is_over = True
        answers = [each for run in runs for each in run.result()]
    earliest, latest = began + KEPT.total_seconds(), done + KEPT.total_seconds()
    for token, answer in answers:
        if token != old or answer.ended < earliest:
            stage.require([answer], 201)
        elif answer.began > latest:
            stage.require([answer], 401)
    used = {(token == old, answer.status) for token, answer in answers}
    if used != {(True, 201), (True, 401), (False, 201)}:
        stage.tally.count("violations", problem=f"a token was not used before and after: {used}")
    created = [answer.json["userName"] for _, answer in answers if answer.status == 201]
    stage.check(state.people(created))


def client_secret_rotated_under_load(stage: Stage) -> None:
    """Both secrets must get access tokens until one is revoked, with all that came from it."""
    new = clients.create("", "Resilience", Actor("Resilience"))
    old = cast(NewClientSecret, new.secret)
    load = SecretLoad(stage, new.client.client_id, old.plaintext)
    with ThreadPoolExecutor(stage.crowd) as pool:
        runs = [pool.submit(load.run, number) for number in range(stage.crowd)]
        load.go_on()
        load.newest = clients.add_secret(new.client, Actor("Resilience")).plaintext
        load.go_on()
        began = time.monotonic()
        clients.revoke_secret(old.row, Actor("Resilience"))
        done = time.monotonic()
        stage.tally.count("faults")
        load.go_on()
        load.is_over = True
        answers = [each for run in runs for each in run.result()]
    for secret, answer in answers:
        if secret != old.plaintext or answer.ended < began:
            stage.require([answer], 200, 201)
        elif answer.began > done:
            stage.require([answer], 401)
    used = {(secret == old.plaintext, answer.status < 300) for secret, answer in answers}
    if used != {(True, True), (True, False), (False, True)}:
        stage.tally.count("violations", problem=f"a secret was not used before and after: {used}")
    created = [answer.json["userName"] for _, answer in answers if answer.status == 201]
    stage.check(state.people(created))


class SecretLoad:
    """Clients that create people continuously, and get an access token before each second one.

    Every second client takes the newest secret. The others keep theirs, whatever happens.
    """

    def __init__(self, stage: Stage, client_id: str, secret: str) -> None:
        self.stage = stage
        self.client_id = client_id
        self.newest = secret
        self.is_over = False
        self.rounds = [0] * stage.crowd

    def go_on(self) -> None:
        """Wait until each client has begun and ended a round of requests."""
        later = [number + 2 for number in self.rounds]
        deadline = time.monotonic() + ROUND_SECONDS
        while any(now < then for now, then in zip(self.rounds, later, strict=True)):
            if time.monotonic() > deadline:
                self.is_over = True
                raise StoppedError("The clients make no progress.")
            time.sleep(0.01)

    def run(self, number: int) -> list[tuple[str, Answer]]:
        """Create people until it is over, and return the responses with the secrets used."""
        answers: list[tuple[str, Answer]] = []
        client: Client = self.stage.client()
        tokens: dict[str, str] = {}
        secret = self.newest
        while not self.is_over:
            if number % 2:
                secret = self.newest
            granted = request_access_token(client, self.client_id, secret)
            answers.append((secret, granted))
            # Refused, it goes on with the access token that it had for the secret.
            client.token = granted.json.get("access_token", tokens.get(secret, "none"))
            tokens[secret] = client.token
            for _ in range(2):
                answer = client.send(create_user(f"person{number}.{len(answers)}"))
                answers.append((secret, answer))
            self.rounds[number] += 1
        return answers


class Load:
    """Clients that create people continuously, each with the last token that worked."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.is_over = False

    def run(self, number: int) -> list[tuple[str, Answer]]:
        """Create people until it is over, and return the responses with the tokens used."""
        answers: list[tuple[str, Answer]] = []
        client: Client = self.stage.client()
        while not self.is_over:
            answer = client.send(create_user(f"person{number}.{len(answers)}"))
            answers.append((client.token, answer))
            if self.takes_newest(number, answer):
                client.token = self.stage.token
        return answers

    def takes_newest(self, number: int, answer: Answer) -> bool:
        """Return whether a client goes on with the newest token."""
        return answer.status == 401


class HalfLoad(Load):
    """Clients of which every second one keeps its token, whatever happens."""

    def takes_newest(self, number: int, answer: Answer) -> bool:
        return number % 2 == 0


SCENARIOS = {
    "people created, added and changed": steady_provisioning,
    "members added to one group": adds_to_one_group,
    "members added and removed": adds_and_removes,
    "overlapping sets of members in any order": overlapping_sets,
    "one userName in many spellings": one_name_in_many_spellings,
    "one displayName": one_group_name,
    "different attributes of one person": attributes_of_one_person,
    "Push Now against added members": push_now_against_adds,
    "deactivation against other attributes": deactivation_against_patches,
    "people deleted during other requests": deletes_of_people_against_everything,
    "groups deleted during other requests": deletes_of_groups_against_everything,
    "token replaced under load": token_replaced_under_load,
    "old token kept under load": token_kept_under_load,
    "client secret rotated under load": client_secret_rotated_under_load,
}


def _halves(people: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    names = list(people)
    middle = len(names) // 2
    return (
        {name: people[name] for name in names[:middle]},
        {name: people[name] for name in names[middle:]},
    )


def _without(answers: list[Answer], other: Answer) -> list[Answer]:
    return [answer for answer in answers if answer is not other]


def _is_in(added: Answer, replaced: Answer, is_found: int) -> bool:
    """Return whether a person must be a member, judging by the order of the requests.

    If the requests overlapped, both results are correct, so the actual one is returned.
    """
    if added.began > replaced.ended:
        return True
    if added.ended < replaced.began:
        return False
    return bool(is_found)


def _compare_attributes(stage: Stage, key: str, names: tuple[str, ...]) -> None:
    link = UserLink.objects.get(pk=key)
    found = {**link.attributes, "externalId": link.external_id}
    stage.tally.compare(
        Counter(f"{name} is x" for name in names),
        Counter(f"{name} is {found[name]}" for name in names if name in found),
    )
