"""What bench-gateway measures on: a client, a router and a container, once for each router, all alive at a time.

    client 192.168.66.1 ---- ens33 host veth50b382d ---- eth0 container 172.17.0.2

The labs are netns-tests/labs/docker-bridge with the ports the load needs published as dockerd would do it, and
`routed`: the same rules and addresses without the bridge, docker0 being the veth itself.
"""

import contextlib
import os
import pathlib
import tempfile

from nslib import sandbox
from nslib.routers import HookpointRouter, KernelRouter
from nslib.topology import CLIENT, CONTAINER, DockerTopology

DOCKER_LAB = pathlib.Path(__file__).resolve().parents[2] / "netns-tests" / "labs" / "docker-bridge"
CONTAINER_LINK = "veth50b382d"
LABS = ("docker-bridge", "routed")

# Published ports: iperf3 has the document's own; the others are added.
IPERF_PORT, ECHO_PORT, CONNECT_PORT, SYN_PORT, FLOOD_PORT = 80, 7, 8001, 9, 9001
PUBLISHED = (
    ("tcp", ECHO_PORT), ("udp", ECHO_PORT), ("tcp", CONNECT_PORT), ("tcp", SYN_PORT), ("udp", FLOOD_PORT),
)  # fmt: skip

# Where the work is done. The kernel's forwarding runs where its link's receive queue is: with `own-core` that is
# core 1 (RPS), otherwise on the core of whoever sent the packet.
PLACEMENTS = {
    "own-core": "core 1 is the gateway's, and what it sends is received there up to the container's socket; the "
    "programs at both ends share core 0",
    "free": "nothing is pinned; the kernel forwards on the core that sends",
}
ENDS_CORE, GATEWAY_CORE = 0, 1

RULE_KINDS = {
    "source": lambda i: f"-A DOCKER-USER -s 100.{64 + (i >> 16)}.{i >> 8 & 255}.{i & 255}/32 -j DROP",
    "port": lambda i: f"-A DOCKER-USER -p udp -m udp --dport {10000 + i % 50000} -j DROP",
}


@contextlib.contextmanager
def on_cores(cores):
    """What is started inside runs on these cores, as with taskset. None: on any."""
    before = os.sched_getaffinity(0)
    if cores is not None:
        os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _published(rules):
    """The rules with PUBLISHED beside the port 80 that is in them."""
    lines = []
    for line in rules.splitlines():
        lines.append(line)
        if line.startswith("-A DOCKER ") and "--dport 80 " in line:
            for protocol, port in PUBLISHED:
                lines.append(
                    line.replace("-p tcp -m tcp --dport 80 ", f"-p {protocol} -m {protocol} --dport {port} ").replace(
                        f"{CONTAINER}:80", f"{CONTAINER}:{port}"
                    )
                )
    return lines


def make_lab(name, rules, rule_kind):
    """A folder with the lab; `rules` rules that match nothing stand in DOCKER-USER, which every packet passes."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir="/run"))
    lines = _published((DOCKER_LAB / "rules.v4").read_text(encoding="ascii"))
    at = lines.index("-A DOCKER-USER -j RETURN")
    lines[at:at] = [RULE_KINDS[rule_kind](i) for i in range(rules)]
    network = (DOCKER_LAB / "network").read_text(encoding="ascii").splitlines()
    if name == "routed":
        network = [
            line.replace("docker0", CONTAINER_LINK)
            for line in network
            if "type bridge" not in line and "master docker0" not in line
        ]
        lines = [line.replace("docker0", CONTAINER_LINK) for line in lines]
    (folder / "network").write_text("\n".join(network) + "\n", encoding="ascii")
    (folder / "rules.v4").write_text("\n".join(lines) + "\n", encoding="ascii")
    (folder / "sysctl.conf").write_text((DOCKER_LAB / "sysctl.conf").read_text(encoding="ascii"), encoding="ascii")
    return folder


class _Topology(DockerTopology):
    """The document's machines with the client's cable in the host itself: a switch between them would cost the
    sender's core as much as the gateway costs its own."""

    def __init__(self, prefix, kernel_forwards_on):
        self._receive_core = kernel_forwards_on
        super().__init__(prefix)

    def _links(self):
        if self._receive_core is not None:
            # The links of this namespace get this mask when they are made.
            self.host.write("/proc/sys/net/core/rps_default_mask", f"{1 << self._receive_core:x}")
        super()._links()
        self.client.ip("link", "del", "eth0")
        self.host.ip("link", "del", "ens33")
        self._veth(self.client, "eth0", "00:50:56:c0:00:08", self.host, "ens33")
        self.client.ip("addr", "add", f"{CLIENT}/24", "dev", "eth0")


class _Hookpoint(HookpointRouter):
    @property
    def pid(self):
        return self._process.pid


class Bed:
    """One router between the ends, started and forwarding."""

    def __init__(self, router, lab, placement, program):
        self.name, self.placement = router, placement
        self.ends = {ENDS_CORE} if placement == "own-core" else None
        gateway = {GATEWAY_CORE} if placement == "own-core" else None
        kernel = router == "kernel"
        self.topology = _Topology(f"{router}-{placement}", GATEWAY_CORE if kernel and gateway else None)
        self.client, self.container = self.topology.client, self.topology.container
        if kernel:
            self.router = KernelRouter(self.topology.host, lab)
        else:
            self.router = _Hookpoint(self.topology.host, lab, program)
        with on_cores(gateway):
            self.router.start()
        self.topology.wait_for_links()

    def source_address(self, number):
        """Another address of the client, so that no connection has the addresses and ports of an earlier one."""
        address = f"192.168.66.{10 + number}"
        self.client.ip("addr", "replace", f"{address}/24", "dev", "eth0")
        return address

    def processor_seconds(self):
        """(used, waited for) by the gateway's own process so far; None where the gateway is the kernel."""
        if self.name == "kernel":
            return None
        with open(f"/proc/{self.router.pid}/schedstat", encoding="ascii") as file:
            used, waited, _ = file.read().split()
        return int(used) / 1e9, int(waited) / 1e9

    def wrong_checksums(self):
        """UDP datagrams the container threw away for their checksum."""
        names, values = (
            line.split() for line in self.container.read("/proc/net/snmp").splitlines() if line.startswith("Udp:")
        )
        return int(values[names.index("InCsumErrors")])

    def listens(self, port):
        """Whether a TCP socket of the container is in state LISTEN on that port."""
        lines = [line.split() for path in ("tcp", "tcp6") for line in self._sockets(path)]
        return any(line[3] == "0A" and line[1].endswith(f":{port:04X}") for line in lines)

    def _sockets(self, protocol):
        return self.container.read(f"/proc/net/{protocol}").splitlines()[1:]

    def end(self):
        self.router.stop()
        self.topology.delete()
