"""Requests of a client that has a token, and knows SCIM well enough to be nearly right."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from hypothesis import strategies as st

from tests.hostile.expressions import filters, paths
from tests.hostile.server import CURSORS, MINE, THEIRS, VERSIONS, Request
from tests.hostile.values import (
    NAMES,
    TEXTS,
    Strategy,
    any_of,
    encoded,
    garbage,
    group_assignments,
    groups,
    names,
    nearly,
    numbers,
    texts,
    user_assignments,
    users,
)
from tests.wire.client import CORE_USER, NOBODY, PATCH_SCHEMA

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW", "get", "*"]
ENDPOINTS = ["/Users", "/Groups", "/Users/", "/Groups/"]

# Headers ------------------------------------------------------------------------------------------

LATIN = [text for text in TEXTS if text.isprintable() and len(text) < 5000]
LATIN = [text for text in LATIN if all(ord(character) < 256 for character in text)]
HEADERS = {
    "Content-Type": [
        *("application/json", "application/scim+json; charset=utf-16", "text/html", "", ";", "/"),
        *("application/scim+json; charset=" + name for name in ("base64", "rot13", "idna", "zlib")),
        *("application/scim+json; charset=" + name for name in ("utf-8-sig", "hex", "undefined")),
        *(
            "application/json; charset=unicode_escape",
            "application/json; charset=raw_unicode_escape",
        ),
        *("application/json; charset=", 'application/json; charset="', "application/json; charset"),
        *("application/json; charset*=utf-8''utf-8"),
        *(
            "multipart/form-data; boundary=x",
            "a/b; " + "x;" * 500,
        ),
        *("application/x-www-form-urlencoded", "APPLICATION/SCIM+JSON; CHARSET=UTF-8", "\xe9/\xff"),
    ],
    "Accept": [
        "text/html",
        "*/*;q=0",
        "application/xml",
        "",
        "\xff",
        ",",
        "application/json;" * 300,
    ],
    "Accept-Charset": ["utf-7", "*;q=0"],
    "Accept-Language": ["de", "x" * 600, "*", "\xff"],
    "Accept-Encoding": ["gzip", "br;q=x", "identity;q=0"],
    "If-Match": ["*", "", 'W/"x"', '"', "known-Version0", ", known-Version1,", "W/" * 300, "\xff"],
    "If-None-Match": ["*", "", '"x', "known-Version0", "known-Version1", "*, *", "\xff"],
    "If-Modified-Since": ["Sat, 29 Oct 1994 19:43:31 GMT", "x", "9" * 300],
    "Authorization": [
        *("", "Bearer", "Basic x", "Bearer \xff", "Bearer " + "x" * 5000, "tscim_" + "x" * 43),
        "Bearer tscim_\x00",
    ],
    "Content-Encoding": [
        "gzip",
        "deflate",
        "identity",
        "br",
        "x" * 300,
        "identity, gzip",
        "\xff",
        "",
    ],
    "Content-Length": ["0", "-1", "x", "", "1", "99999", "1e3", "٣"],
    "Transfer-Encoding": ["chunked", "gzip", "x"],
    "X-HTTP-Method-Override": ["DELETE", "PUT", "x"],
    "X-HTTP-Method": ["DELETE"],
    "X-Request-ID": ["a\r\nX-Injected: 1", "x" * 65, "", "a b", "\xff", "0"],
    "X-Forwarded-For": ["1.2.3.4", "x", "::1, \xff"],
    "X-Forwarded-Host": ["evil.example", "\xff"],
    "X-Forwarded-Proto": ["https", "gopher"],
    "User-Agent": ["", "x" * 3000, "\xff\xfe", "a\tb", "' OR 1=1", "<script>"],
    "Cookie": ["sessionid=x", "csrftoken=\xff", "a=" + "b" * 3000, "="],
    "Origin": ["null", "https://evil.example"],
    "Referer": ["\xff", "javascript:1"],
    "Range": ["bytes=0-1"],
    "Expect": ["100-continue"],
    "Upgrade": ["h2c"],
}
_pairs = [(name, value) for name, values in HEADERS.items() for value in values]
_odd_headers: Strategy = st.lists(
    st.one_of(any_of(_pairs), st.tuples(any_of(list(HEADERS)), any_of(LATIN))),
    min_size=1,
    max_size=2,
).map(dict)
headers: Strategy = st.integers(0, 5).flatmap(
    lambda chance: _odd_headers if chance == 0 else st.just({})
)

# Paths and queries --------------------------------------------------------------------------------

KEYS = [
    *(*MINE, *THEIRS, NOBODY, NOBODY.upper(), NOBODY.replace("-", ""), f"urn:uuid:{NOBODY}"),
    *(
        "1",
        "0" * 5000,
        "%00",
        "%ff",
        "%F0%9F%98%80",
        "%2F",
        "%2e%2e",
        "..",
        ".",
        "%0d%0aX-Injected:1",
    ),
    *("known-Users0%20", "%", "%zz", "known-Users0;x=1", "%C0%80", "%ED%A0%80", "*", "me"),
]
keys: Strategy = st.one_of(
    any_of(MINE),
    any_of(KEYS),
    texts.map(lambda text: quote(text.encode(errors="surrogatepass"))),
)
resource_paths: Strategy = st.tuples(any_of(["/Users/", "/Groups/"]), keys).map("".join)
all_paths: Strategy = st.one_of(
    resource_paths,
    any_of(
        [
            *ENDPOINTS,
            *(
                "/",
                "//",
                "//Users",
                "/Users//",
                "/users",
                "/Users/.search",
                "/.search",
                "/Bulk",
            ),
            *("/Me", "/Me/x", "/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User"),
            *(
                "/Schemas",
                f"/Schemas/{CORE_USER}",
                "/Schemas/%00",
                "/ResourceTypes/%ff",
                "/nothing",
            ),
            *("/Users/known-Users0/x", "/Users.json", "/../admin/", "/%2e%2e/admin", "/Users%00"),
            *("/Users/.search/x", "/Groups/.search/", "/\xff", "/%ff", "/Users\n", "/Users%0a"),
            *("/" + "x" * 60_000, "/Users/" + "%00" * 3000, "/" * 3000),
        ]
    ),
)

PARAMETERS: dict[str, Strategy] = {
    "filter": filters,
    "startIndex": st.one_of(numbers.map(str), texts, any_of(["1_0", "٣", " 1 ", "+1"])),
    "count": st.one_of(numbers.map(str), any_of(["0", "1", "2", "1_0", "٣"]), texts),
    "cursor": st.one_of(any_of([*CURSORS, "", "a~b~c", "~", ".~a~a"]), texts),
    "sortBy": st.one_of(any_of(NAMES), names, filters),
    "sortOrder": st.one_of(any_of(["ascending", "DESCENDING"]), texts),
    "attributes": st.lists(names, max_size=4).map(",".join),
    "excludedAttributes": st.lists(names, max_size=4).map(",".join),
}
_parameters = [
    st.tuples(st.just(name), values) for name, values in PARAMETERS.items() for _ in range(2)
] + [st.tuples(names, texts)]
queries: Strategy = st.one_of(
    st.lists(st.one_of(_parameters), max_size=4).map(
        lambda pairs: urlencode(
            [
                (name.encode(errors="surrogatepass"), value.encode(errors="surrogatepass"))
                for name, value in pairs
            ]
        )
    ),
    any_of(
        [
            *(
                "&" * 2000,
                "a=1&" * 1500,
                "filter=%",
                "filter=%ff",
                "filter",
                "=",
                "%00=%00",
                "\xff=\xff",
            ),
            *(
                "filter=id+pr&filter=id+pr",
                "count=1&count=2",
                "attributes=" + "a," * 20_000,
                ";",
                "?",
            ),
        ]
    ),
)

# Bodies -------------------------------------------------------------------------------------------

OPS = ["add", "replace", "remove", "Add", "REPLACE"]


def _patches(resources: Strategy, assignments: Strategy) -> Strategy:
    right = st.tuples(any_of(OPS), assignments).map(
        lambda parts: {"op": parts[0], "path": parts[1][0], "value": parts[1][1]}
    )
    whole = st.fixed_dictionaries({"op": any_of(OPS), "value": resources})
    wrong = st.fixed_dictionaries(
        {"op": nearly(any_of(OPS))},
        optional={"path": paths, "value": st.one_of(resources, garbage, texts)},
    )
    removal = paths.map(lambda path: {"op": "remove", "path": path})
    operations = st.one_of(right, right, right, whole, removal, nearly(wrong))
    return nearly(
        st.fixed_dictionaries(
            {"Operations": nearly(st.lists(operations, min_size=1, max_size=2))},
            optional={"schemas": nearly(st.just([PATCH_SCHEMA]))},
        )
    )


user_patches = _patches(users, user_assignments)
group_patches = _patches(groups, group_assignments)

searches: Strategy = nearly(
    st.lists(
        st.one_of(
            [st.tuples(st.just(name), nearly(values)) for name, values in PARAMETERS.items()]
            + [st.tuples(any_of(["startIndex", "count"]), numbers)]
            + [st.tuples(names, garbage)]
        ),
        max_size=4,
    ).map(dict)
)

BULK_IDS = ["a", "b", "c", "", "A", "\ud800", "bulkId:a"]
bulk_operations: Strategy = st.fixed_dictionaries(
    {
        "method": nearly(any_of(["POST", "PUT", "PATCH", "DELETE", "post", "GET"])),
        "path": nearly(
            st.one_of(
                any_of([*ENDPOINTS, "/Bulk", "Users", "/Users/bulkId:a", "/Groups/bulkId:b"]),
                resource_paths,
            )
        ),
    },
    optional={
        "bulkId": nearly(any_of(BULK_IDS)),
        "version": nearly(any_of([*VERSIONS, "*", ""])),
        "data": st.one_of(users, groups, user_patches, garbage),
    },
)
bulks: Strategy = nearly(
    st.fixed_dictionaries(
        {"Operations": nearly(st.lists(bulk_operations, max_size=4))},
        optional={"failOnErrors": numbers, "schemas": garbage},
    )
)


# Whole requests -----------------------------------------------------------------------------------


def _request(method: str, path: str, query: str, body: bytes, headers: dict[str, str]) -> Request:
    # A query, and a charset that cannot be read in, are too much for Django: it fails before any of
    # its middleware, and of our code, is asked.
    query = "" if "charset" in headers.get("Content-Type", "").lower() else query
    return Request(method, path, query, body, headers)


def requests(
    methods: Strategy, paths: Strategy, bodies: Strategy | None = None, query: Strategy = queries
) -> Strategy:
    """Requests of one kind, now and then with odd headers or a query."""
    return st.builds(
        _request,
        any_of(methods) if isinstance(methods, list) else methods,
        paths,
        query,
        st.just(b"") if bodies is None else encoded(bodies),
        headers,
    )


no_query = st.one_of(st.just(""), st.just(""), st.just(""), queries)
_user_paths: Strategy = any_of([f"/Users/{key}" for key in MINE[:4]])
_group_paths: Strategy = any_of([f"/Groups/{key}" for key in MINE[4:]])


def writes(collection: str, paths: Strategy, bodies: Strategy) -> Strategy:
    post = requests(st.just("POST"), st.just(collection), bodies, no_query)
    put = requests(st.just("PUT"), paths, bodies, no_query)
    return st.one_of(post, put)


KINDS: dict[str, Strategy] = {
    "users": writes("/Users", _user_paths, users),
    "groups": writes("/Groups", _group_paths, groups),
    "patches of users": requests(st.just("PATCH"), _user_paths, user_patches, no_query),
    "patches of groups": requests(st.just("PATCH"), _group_paths, group_patches, no_query),
    "lists": requests(st.just("GET"), any_of([*ENDPOINTS, "/", "/Schemas"]), None),
    "searches": requests(
        st.just("POST"),
        any_of(["/.search", "/Users/.search", "/Groups/.search/"]),
        searches,
        no_query,
    ),
    "bulk": requests(st.just("POST"), st.just("/Bulk"), bulks, no_query),
    "anything": requests(
        any_of(METHODS), all_paths, st.one_of(users, groups, user_patches, garbage)
    ),
}
