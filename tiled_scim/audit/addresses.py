"""IP addresses of callers, and the networks by which strangers are counted."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# A provider gives a customer at least so much, so each of these networks is one caller.
IPV6_PREFIX = 64


def normalized(text: str) -> str | None:
    """Return an IP address in its usual form, or None if the text is not one.

    An IPv4 address that is written as an IPv6 one becomes an IPv4 address again.
    """
    address = _parsed(text)
    return None if address is None else str(address)


def network_of(text: str) -> str | None:
    """Return the first address of the network that is counted as one caller.

    An IPv4 address is returned as it is.
    """
    address = _parsed(text)
    if isinstance(address, IPv6Address):
        network = ip_network((address, IPV6_PREFIX), strict=False)
        return str(network.network_address)
    return None if address is None else str(address)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    # Without the name of a network interface, such as in fe80::1%eth0.
    return address.ipv4_mapped or IPv6Address(int(address))
