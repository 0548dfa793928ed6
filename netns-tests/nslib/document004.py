"""The tables of document 004, rows copied from it: what `iptables -vnL` shows after each packet of the handshake.

Only the columns that say something about this connection count: pkts, and everything from the target on. The bytes
are those of the author's machine since its boot (11M, 136K), of segments without timestamps.
Chains the document shows empty are here with no rows.
"""

PACKETS = ("SYN", "SYN+ACK", "ACK")

_EMPTY = {("raw", "PREROUTING"): "", ("mangle", "PREROUTING"): "", ("mangle", "FORWARD"): ""}

# The document's point: one connection, three packets, and these never get past the first.
_NAT = {
    ("nat", "PREROUTING"): """
        1 52 DOCKER all -- * * 0.0.0.0/0 0.0.0.0/0 ADDRTYPE match dst-type LOCAL""",
    ("nat", "DOCKER"): """
        0 0 RETURN all -- docker0 * 0.0.0.0/0 0.0.0.0/0
        1 112 DNAT tcp -- !docker0 * 0.0.0.0/0 0.0.0.0/0 tcp dpt:80 to:172.17.0.2:80""",
    ("nat", "POSTROUTING"): """
        0 0 MASQUERADE all -- * !docker0 172.17.0.0/16 0.0.0.0/0
        0 0 MASQUERADE tcp -- * * 172.17.0.2 172.17.0.2 tcp dpt:80""",
}

_DOCKER = {
    ("filter", "DOCKER"): """
        1 52 ACCEPT tcp -- !docker0 docker0 0.0.0.0/0 172.17.0.2 tcp dpt:80""",
}

TABLES = {
    "SYN": {
        **_EMPTY,
        ("mangle", "POSTROUTING"): "",
        **_NAT,
        **_DOCKER,
        ("filter", "FORWARD"): """
            1 11M DOCKER-USER all -- * * 0.0.0.0/0 0.0.0.0/0
            1 11M DOCKER-ISOLATION-STAGE-1 all -- * * 0.0.0.0/0 0.0.0.0/0
            0 11M ACCEPT all -- * docker0 0.0.0.0/0 0.0.0.0/0 ctstate RELATED,ESTABLISHED
            1 52 DOCKER all -- * docker0 0.0.0.0/0 0.0.0.0/0
            0 136K ACCEPT all -- docker0 !docker0 0.0.0.0/0 0.0.0.0/0
            0 0 ACCEPT all -- docker0 docker0 0.0.0.0/0 0.0.0.0/0""",
        ("filter", "DOCKER-ISOLATION-STAGE-1"): """
            0 136K DOCKER-ISOLATION-STAGE-2 all -- docker0 !docker0 0.0.0.0/0 0.0.0.0/0
            1 11M RETURN all -- * * 0.0.0.0/0 0.0.0.0/0""",
        ("filter", "DOCKER-USER"): """
            1 11M RETURN all -- * * 0.0.0.0/0 0.0.0.0/0""",
    },
    "SYN+ACK": {
        **_EMPTY,
        **_NAT,
        **_DOCKER,
        ("filter", "FORWARD"): """
            2 11M DOCKER-USER all -- * * 0.0.0.0/0 0.0.0.0/0
            2 11M DOCKER-ISOLATION-STAGE-1 all -- * * 0.0.0.0/0 0.0.0.0/0
            0 11M ACCEPT all -- * docker0 0.0.0.0/0 0.0.0.0/0 ctstate RELATED,ESTABLISHED
            1 52 DOCKER all -- * docker0 0.0.0.0/0 0.0.0.0/0
            1 136K ACCEPT all -- docker0 !docker0 0.0.0.0/0 0.0.0.0/0
            0 0 ACCEPT all -- docker0 docker0 0.0.0.0/0 0.0.0.0/0""",
        ("filter", "DOCKER-ISOLATION-STAGE-1"): """
            1 136K DOCKER-ISOLATION-STAGE-2 all -- docker0 !docker0 0.0.0.0/0 0.0.0.0/0
            2 11M RETURN all -- * * 0.0.0.0/0 0.0.0.0/0""",
        ("filter", "DOCKER-ISOLATION-STAGE-2"): """
            0 0 DROP all -- * docker0 0.0.0.0/0 0.0.0.0/0
            1 136K RETURN all -- * * 0.0.0.0/0 0.0.0.0/0""",
        ("filter", "DOCKER-USER"): """
            2 11M RETURN all -- * * 0.0.0.0/0 0.0.0.0/0""",
    },
    "ACK": {
        **_EMPTY,
        **_NAT,
        **_DOCKER,
        ("filter", "FORWARD"): """
            3 11M DOCKER-USER all -- * * 0.0.0.0/0 0.0.0.0/0
            3 11M DOCKER-ISOLATION-STAGE-1 all -- * * 0.0.0.0/0 0.0.0.0/0
            1 11M ACCEPT all -- * docker0 0.0.0.0/0 0.0.0.0/0 ctstate RELATED,ESTABLISHED
            1 52 DOCKER all -- * docker0 0.0.0.0/0 0.0.0.0/0
            1 136K ACCEPT all -- docker0 !docker0 0.0.0.0/0 0.0.0.0/0
            0 0 ACCEPT all -- docker0 docker0 0.0.0.0/0 0.0.0.0/0""",
        ("filter", "DOCKER-ISOLATION-STAGE-1"): """
            1 136K DOCKER-ISOLATION-STAGE-2 all -- docker0 !docker0 0.0.0.0/0 0.0.0.0/0
            3 11M RETURN all -- * * 0.0.0.0/0 0.0.0.0/0""",
        ("filter", "DOCKER-ISOLATION-STAGE-2"): """
            0 0 DROP all -- * docker0 0.0.0.0/0 0.0.0.0/0
            1 136K RETURN all -- * * 0.0.0.0/0 0.0.0.0/0""",
        ("filter", "DOCKER-USER"): """
            3 11M RETURN all -- * * 0.0.0.0/0 0.0.0.0/0""",
    },
}


def rows(text):
    """[(pkts, rest of the row without bytes)] of rows in the document's form."""
    found = []
    for line in text.strip().splitlines():
        pkts, _, rest = line.split(None, 2)
        found.append((int(pkts), rest))
    return found
