"""The public keys of identity providers: JSON Web Key Sets (RFC 7517).

They are kept in Django's cache, which the processes of a server share. Each process also keeps them
in memory, because the cache may keep nothing or be unavailable. No lock of the database is held
while they are fetched.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from django.core.cache import cache

from tiled_scim.oauth.fetching import FetchError, fetch_json

logger = logging.getLogger("tiled_scim")

T = TypeVar("T")
Key = dict[str, str]

# The type of key that each algorithm needs (RFC 7518 section 3.1). There are no others: “none” and
# HMAC would let everybody who knows a public key sign.
ALGORITHMS = {"RS256": "RSA", "ES256": "EC"}
# The members of a public key, by type. Others, such as those of a private key, are dropped.
MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
# The numbers of a key as text: a modulus of 8192 bits, an exponent of 64, a coordinate of 256.
MAX_LENGTHS = {"n": 1366, "e": 11, "crv": 5, "x": 43, "y": 43}
MIN_RSA_BITS = 2048
MAX_KEYS = 50
MAX_KID_LENGTH = 255

# Seconds after which keys are fetched again, so that a key that was withdrawn stops working.
FRESH = 60 * 60
# Seconds for which keys are used while their issuer is unavailable.
STALE = 24 * 60 * 60
# Seconds between two fetches from one URL, whatever they are for.
INTERVAL = 60
# The URLs that a process remembers. Others are in the cache only.
MAX_MEMORIES = 1000
# How many threads of a process may fetch at once, and how many seconds a thread waits for another
# one that fetches the same URL, and then for its turn. Otherwise, anybody who sends ids of unknown
# keys of a slow issuer could occupy all threads of a server.
MAX_FETCHING = 4
WAITING = 1.0


class UnknownKeyError(Exception):
    """The issuer has no such key. The message says which it has."""


class KeysUnavailableError(Exception):
    """The keys of the issuer are not known, and cannot be fetched now."""


@dataclass(frozen=True)
class KeySet:
    """The keys of an issuer that can be used here.

    Args:
        keys: The members of each key. An empty `kid` stands for none.
        fetched_at: When they were fetched, in seconds since 1970.
    """

    keys: list[Key]
    fetched_at: float

    @property
    def age(self) -> float:
        """Return the seconds since the keys were fetched."""
        return time.time() - self.fetched_at

    def find(self, algorithm: str, kid: str | None) -> Key | None:
        """Return the key for an algorithm with this id, or without an id the only one."""
        fitting = [key for key in self.keys if key["kty"] == ALGORITHMS[algorithm]]
        if kid is None:
            return fitting[0] if len(self.keys) == len(fitting) == 1 else None
        return next((key for key in fitting if key["kid"] == kid), None)


def find_key(url: str, algorithm: str, kid: str | None) -> Key:
    """Return the public key with which a signature is verified.

    Args:
        url: The URL of the issuer's keys.
        algorithm: One of `ALGORITHMS`.
        kid: The id of the key. None is enough if the issuer has only one.

    Raises:
        UnknownKeyError: The issuer has no such key.
        KeysUnavailableError: The keys are not known, and cannot be fetched now.
    """
    known = _known(url)
    if known is None or known.age > FRESH or known.find(algorithm, kid) is None:
        known = _fetched(url) or known
    if known is None:
        raise KeysUnavailableError(
            f"The keys of the issuer could not be fetched from {url}. It is tried once in "
            f"{INTERVAL} seconds."
        )
    key = known.find(algorithm, kid)
    if key is None:
        raise UnknownKeyError(_no_such_key(known, algorithm, kid))
    return key


def _no_such_key(known: KeySet, algorithm: str, kid: str | None) -> str:
    fitting = sum(key["kty"] == ALGORITHMS[algorithm] for key in known.keys)
    if kid is None and len(known.keys) > 1:
        return f"The header “kid” is missing, and the issuer has {len(known.keys)} keys."
    return (
        f"The header “kid” is of none of the issuer's {fitting} keys for {algorithm}, which were "
        f"fetched {known.age:.0f} seconds ago. They are fetched again for an unknown key, at most "
        f"once in {INTERVAL} seconds."
    )


# Fetching


@dataclass
class Memory:
    """What this process knows of one URL.

    Args:
        lock: Held by the thread that fetches.
        keys: The keys, if they were fetched by this process.
        asked_at: When this process fetched them, on its monotonic clock.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: KeySet | None = None
    asked_at: float = -math.inf

    @property
    def is_due(self) -> bool:
        """Return whether this process may fetch again."""
        return time.monotonic() - self.asked_at >= INTERVAL


_memories: dict[str, Memory] = {}
_memories_lock = threading.Lock()
_fetching = threading.BoundedSemaphore(MAX_FETCHING)


def _memory_of(url: str) -> Memory:
    """Return what this process knows of a URL. Of very many, the oldest are forgotten."""
    with _memories_lock:
        memory = _memories.setdefault(url, Memory())
        while len(_memories) > MAX_MEMORIES:
            del _memories[next(iter(_memories))]
    return memory


def _fetched(url: str) -> KeySet | None:
    """Fetch keys if it is time to do so.

    Threads of one process wait a little for the one that fetches. Those of others go on with what
    they have.

    Returns:
        The keys, perhaps fetched by another request. None if there are no new ones.
    """
    memory = _memory_of(url)
    if not memory.lock.acquire(timeout=WAITING):
        return None
    try:
        if not memory.is_due:
            return _known(url)
        if not _fetching.acquire(timeout=WAITING):
            return None
        try:
            return _fetched_in_turn(memory, url)
        finally:
            _fetching.release()
    finally:
        memory.lock.release()


def _fetched_in_turn(memory: Memory, url: str) -> KeySet | None:
    if not _takes_turn(memory, url):
        return _known(url)
    try:
        keys = KeySet(usable_keys(fetch_json(url)), time.time())
    except FetchError as error:
        logger.warning("The keys of an issuer could not be fetched from %s: %s", url, error)
        return None
    memory.keys = keys
    _asked(lambda: cache.set(_cache_key("keys", url), asdict(keys), STALE), otherwise=None)
    return keys


def _takes_turn(memory: Memory, url: str) -> bool:
    """Return whether this request may fetch. Within an interval, one of all processes may."""
    if not _asked(lambda: cache.add(_cache_key("turn", url), 1, INTERVAL), otherwise=True):
        return False
    memory.asked_at = time.monotonic()
    return True


def _known(url: str) -> KeySet | None:
    """Return the newest keys that are known and not too old."""
    stored = _asked(lambda: cache.get(_cache_key("keys", url)), otherwise=None)
    found = [_memory_of(url).keys, KeySet(**stored) if stored else None]
    usable = [keys for keys in found if keys is not None and keys.age <= STALE]
    return max(usable, key=lambda keys: keys.fetched_at, default=None)


def _asked(question: Callable[[], T], *, otherwise: T) -> T:
    """Call the cache. An unavailable cache does not stop requests."""
    try:
        return question()
    except Exception:
        logger.exception("The cache does not answer; the keys of issuers are kept in memory only")
        return otherwise


def _cache_key(kind: str, url: str) -> str:
    return f"tiled_scim:jwks:{kind}:{hashlib.sha256(url.encode()).hexdigest()}"


# Reading


def usable_keys(document: Any) -> list[Key]:
    """Return the keys of a key set that can verify signatures here.

    Raises:
        FetchError: The document is no key set.
    """
    keys = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(keys, list):
        raise FetchError("The answer is not a key set: a JSON object with an array “keys”.")
    if len(keys) > MAX_KEYS:
        raise FetchError(f"The key set has {len(keys)} keys. It may have {MAX_KEYS} at most.")
    return [_public_part(key) for key in keys if _is_usable(key)]


def _is_usable(key: Any) -> bool:
    return isinstance(key, Mapping) and _is_for_signatures(key) and _is_strong(key)


def _is_for_signatures(key: Mapping[str, Any]) -> bool:
    """Return whether a key may verify a signature by one of the algorithms."""
    operations, algorithm, kid = key.get("key_ops"), key.get("alg"), key.get("kid")
    return (
        key.get("use", "sig") == "sig"
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
        and (algorithm is None or _type_for(algorithm) == key.get("kty"))
        and (kid is None or (isinstance(kid, str) and 0 < len(kid) <= MAX_KID_LENGTH))
    )


def _type_for(algorithm: object) -> str | None:
    return ALGORITHMS.get(algorithm) if isinstance(algorithm, str) else None


def _is_strong(key: Mapping[str, Any]) -> bool:
    kty = key.get("kty")
    members = MEMBERS.get(kty, ()) if isinstance(kty, str) else ()
    if not members or not all(_fits(name, key.get(name)) for name in members):
        return False
    if kty == "EC":
        return bool(key["crv"] == "P-256")
    return _bits(key["n"]) >= MIN_RSA_BITS


def _fits(name: str, value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_LENGTHS[name]


def _bits(number: str) -> int:
    """Return the number of bits of an integer in base64url, or 0 if it is none."""
    try:
        encoded = base64.urlsafe_b64decode(number + "=" * (-len(number) % 4))
    except (binascii.Error, ValueError):
        return 0
    return int.from_bytes(encoded, "big").bit_length()


def _public_part(key: Mapping[str, Any]) -> Key:
    names = ("kty", *MEMBERS[key["kty"]])
    return {"kid": key.get("kid") or "", **{name: key[name] for name in names}}
