"""A busy minute of the Docker host of labs/docker-bridge, as its two links show it: what comes in, nothing of what the
host sends. Frames are made here; how many there are of what kind is arithmetic."""

import pathlib
import struct

from .packets import ACK, ETHER_IPV4, FIN, PSH, SYN, ethernet, ipv4, pcap, ping, tcp, udp

LAB = pathlib.Path(__file__).resolve().parent.parent / "labs" / "docker-bridge"
CLIENT, HOST, CONTAINER, SERVER = "192.168.66.1", "192.168.66.100", "172.17.0.2", "203.0.113.80"
CLIENT_MAC, HOST_MAC, ROUTER_MAC = "00:50:56:c0:00:08", "00:0c:29:b6:16:6b", "00:50:56:c0:00:fe"
CONTAINER_MAC, DOCKER0_MAC = "02:42:ac:11:00:02", "02:42:5f:9a:dc:2c"
UPLINK, VETH = "ens33", "veth50b382d"
START = 1_700_000_000_000_000_000
MS = 1_000_000
FLOWS, QUERIES, PINGS, SIDE_DOORS = 20, 15, 20, 5
REQUEST = b"GET / HTTP/1.0\r\n\r\n"


def from_client(packet):
    return UPLINK, ethernet(HOST_MAC, CLIENT_MAC, ETHER_IPV4, packet)


def from_router(packet):
    return UPLINK, ethernet(HOST_MAC, ROUTER_MAC, ETHER_IPV4, packet)


def from_container(packet):
    return VETH, ethernet(DOCKER0_MAC, CONTAINER_MAC, ETHER_IPV4, packet)


def http(port):
    """Seven packets: a request to the published port and its answer."""
    end = 1001 + len(REQUEST)
    return [
        from_client(tcp(CLIENT, port, HOST, 80, SYN, 1000)),
        from_container(tcp(CONTAINER, 80, CLIENT, port, SYN | ACK, 5000, 1001)),
        from_client(tcp(CLIENT, port, HOST, 80, ACK, 1001, 5001)),
        from_client(tcp(CLIENT, port, HOST, 80, PSH | ACK, 1001, 5001, REQUEST)),
        from_container(tcp(CONTAINER, 80, CLIENT, port, PSH | ACK, 5001, end, b"x" * 500)),
        from_client(tcp(CLIENT, port, HOST, 80, FIN | ACK, end, 5501)),
        from_container(tcp(CONTAINER, 80, CLIENT, port, FIN | ACK, 5501, end + 1)),
    ]


def query(port):
    """Two packets: the container asks a name server outside, which answers the host's address (MASQUERADE)."""
    return [
        from_container(udp(CONTAINER, port, SERVER, 53, b"who?")),
        from_router(udp(SERVER, 53, HOST, port, b"me")),
    ]


def packets():
    """[(time, link, frame)] in order: 20 flows of 7, 15 queries of 2, 20 pings of 1, 5 packets straight to a port of the
    container that is not published, 5 to a closed port of the host: 200."""
    talks = [http(20000 + i) for i in range(FLOWS)] + [query(30000 + i) for i in range(QUERIES)]
    talks += [[from_client(ping(CLIENT, HOST, 77, i))] for i in range(PINGS)]
    talks += [[from_client(tcp(CLIENT, 40000 + i, CONTAINER, 8080, SYN, 1))] for i in range(SIDE_DOORS)]
    talks += [[from_client(tcp(CLIENT, 41000 + i, HOST, 22, SYN, 1))] for i in range(5)]
    # Round and round: the first of every talk, then the second, so that no talk stands alone.
    order = [talk[i] for i in range(7) for talk in talks if i < len(talk)]
    return [(START + i * 10 * MS, link, frame) for i, (link, frame) in enumerate(order)]


def lonely_fragment(count, gap=100_000 * MS):
    """A capture of the uplink, the first `count` packets of: the first fragment of a datagram for the host, whose others
    never come; a ping a tenth of `gap` later; another ping `gap` after the fragment."""
    first = ipv4(CLIENT, HOST, 17, struct.pack("!HHHH", 7, 53, 108, 0) + b"y" * 72, ident=77, flags=0x2000)
    pings = [(START + after, from_client(ping(CLIENT, HOST, 77, i))[1]) for i, after in enumerate((gap // 10, gap))]
    packets = [(START, from_client(first)[1]), *pings]
    return pcap(packets[:count])


def captures():
    """{link: bytes of a pcap}"""
    return {name: pcap([(time, frame) for time, link, frame in packets() if link == name]) for name in (UPLINK, VETH)}


def write(folder):
    """Writes the captures; the words `--in IF=FILE ...`."""
    words = []
    for name, data in captures().items():
        path = pathlib.Path(folder) / f"{name}.pcap"
        path.write_bytes(data)
        words += ["--in", f"{name}={path}"]
    return words
