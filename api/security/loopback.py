"""Tell loopback addresses from others, without asking anybody."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Return True if a host name or address is loopback, without resolving it."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
