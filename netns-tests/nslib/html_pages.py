"""Pages of `hookpoint explain -o html` for the browser's tests and for the pictures in docs/images: captures made byte by
byte, and what the json form and a replay say of them."""

import collections
import pathlib
import subprocess

from .packets import ACK, ETHER_IPV4, FIN, PSH, SYN, ethernet, pcap, ping, tcp, udp

DOCKER_LAB = pathlib.Path(__file__).resolve().parent.parent / "labs" / "docker-bridge"
CLIENT, HOST, CONTAINER, NAMESERVER = "192.168.66.1", "192.168.66.100", "172.17.0.2", "203.0.113.53"
CLIENT_MAC, HOST_MAC, ROUTER_MAC = "00:50:56:c0:00:08", "00:0c:29:b6:16:6b", "00:50:56:e0:00:fe"
CONTAINER_MAC, DOCKER0_MAC = "02:42:ac:11:00:02", "02:42:5f:9a:dc:2c"
START, MS = 1_700_000_000_000_000_000, 1_000_000
REQUEST, ANSWER = b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 1000

Made = collections.namedtuple("Made", "page json saved entries")


def _from_client(ms, packet):
    return START + ms * MS, ethernet(HOST_MAC, CLIENT_MAC, ETHER_IPV4, packet)


def _from_container(ms, packet):
    return START + ms * MS, ethernet(DOCKER0_MAC, CONTAINER_MAC, ETHER_IPV4, packet)


def docker_captures():
    """{interface: a capture} of the Docker host: a request to the published port, a ping, a datagram nobody waits for, a port
    that is not published, a stray segment, the container's question to a name server and its answer."""
    port = 40001
    outer, inner = (CLIENT, port, HOST, 80), (CONTAINER, 80, CLIENT, port)
    asked, told = 1001 + len(REQUEST), 5001 + len(ANSWER)
    client = [
        _from_client(0, tcp(*outer, SYN, 1000)),
        _from_client(2, tcp(*outer, ACK, 1001, 5001)),
        _from_client(3, tcp(*outer, PSH | ACK, 1001, 5001, REQUEST)),
        _from_client(5, tcp(*outer, FIN | ACK, asked, told)),
        _from_client(7, tcp(*outer, ACK, asked + 1, told + 1)),
        _from_client(20, ping(CLIENT, HOST, 7, 1)),
        _from_client(30, udp(CLIENT, 5353, HOST, 9999, b"hello")),
        _from_client(40, tcp(CLIENT, 40002, CONTAINER, 8080, SYN, 1)),
        _from_client(50, tcp(CLIENT, 40003, HOST, 80, SYN | FIN, 77)),
        (START + 62 * MS, ethernet(HOST_MAC, ROUTER_MAC, ETHER_IPV4, udp(NAMESERVER, 53, HOST, 5000, b"a" * 46))),
    ]
    container = [
        _from_container(1, tcp(*inner, SYN | ACK, 5000, 1001)),
        _from_container(4, tcp(*inner, PSH | ACK, 5001, asked, ANSWER)),
        _from_container(6, tcp(*inner, FIN | ACK, told, asked + 1)),
        _from_container(60, udp(CONTAINER, 5000, NAMESERVER, 53, b"q" * 30)),
        _from_container(70, udp(CONTAINER, 5001, NAMESERVER, 53, b"q" * 30, ttl=1)),
    ]
    return {"ens33": pcap(client), "veth50b382d": pcap(container)}


def many_packets(count):
    """Datagrams to the host, a hundred flows."""
    return {"ens33": pcap([_from_client(n, udp(CLIENT, 20000 + n % 100, HOST, 9999, b"x" * (n % 50))) for n in range(count)])}


class Maker:
    """Runs the program over captures."""

    def __init__(self, program, folder):
        self.program, self.folder = program, pathlib.Path(folder)
        self._runs = 0

    def run(self, lab, captures, language="en"):
        self._runs += 1
        at = self.folder / f"run-{self._runs}"
        at.mkdir()
        inputs = []
        for interface, data in captures.items():
            (at / f"in-{interface}").write_bytes(data)
            inputs += ["--in", f"{interface}={at / f'in-{interface}'}"]
        explain = [self.program, "explain", str(lab), *inputs, "--lang", language]
        self._call(*explain, "-o", "html", "--out", str(at / "page.html"))
        told = self._call(*explain, "-o", "json")
        self._call(self.program, "replay", str(lab), *inputs, "--out", str(at / "out"))
        return Made(at / "page.html", told, (at / "out" / "iptables-save.txt").read_text(), (at / "out" / "conntrack.txt").read_text())

    @staticmethod
    def _call(*command):
        return subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8").stdout
