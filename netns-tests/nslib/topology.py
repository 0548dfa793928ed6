"""The machines as namespaces. Those of document 004:

    client 192.168.66.1 ----+
                            lan (a switch) ---- ens33 host docker0 -- veth50b382d ---- eth0 container 172.17.0.2
    outside 192.168.66.254 -+                   192.168.66.100  172.17.0.1
            203.0.113.80

`outside` is the host's default gateway and a server behind it. Those of the other documents:

    client eth0 ---- eth0 host eth1 ---- eth0 server

In `host` only the links are made: whatever routes there (the kernel or hookpoint) is configured by the lab.
"""

from nslib import sandbox

CLIENT, OUTSIDE, SERVER = "192.168.66.1", "192.168.66.254", "203.0.113.80"
HOST, DOCKER0, CONTAINER = "192.168.66.100", "172.17.0.1", "172.17.0.2"


class _Topology:
    def __init__(self, prefix, names):
        self.all = [sandbox.Netns(f"{prefix}-{name}") for name in names]
        # A new bridge joins 224.0.0.106 and reports it at some random moment: an IPv4 packet that no step sent.
        for ns in self.all:
            ns.write("/proc/sys/net/ipv4/igmp_link_local_mcast_reports", "0")

    @staticmethod
    def _no_ipv6(host):
        """On the host the links have no address but those the lab gives them."""
        host.write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1")
        host.write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1")

    @staticmethod
    def _veth(ns, name, address, peer_ns, peer):
        sandbox.run("ip", "link", "add", name, "netns", ns.name, "address", address, "type", "veth",
                    "peer", "name", peer, "netns", peer_ns.name)  # fmt: skip
        ns.ip("link", "set", name, "up")
        peer_ns.ip("link", "set", peer, "up")

    def wait_for_links(self):
        """Until every link carries and every bridge port forwards; both come a little after `up`."""
        for ns in self.all:
            sandbox.wait_until(lambda ns=ns: self._not_ready(ns) == [], f"every link of {ns.name} is up")

    @staticmethod
    def _not_ready(ns):
        waiting = []
        for link in ns.ip_json("link", "show"):
            port = link.get("linkinfo", {}).get("info_slave_data", {}).get("state", "forwarding")
            kind = link.get("linkinfo", {}).get("info_kind")
            if kind in ("veth", "bridge") and (link["operstate"] != "UP" or port != "forwarding"):
                waiting.append(link["ifname"])
        return waiting

    def delete(self):
        for ns in self.all:
            ns.delete()


class DockerTopology(_Topology):
    def __init__(self, prefix):
        super().__init__(prefix, ("client", "outside", "lan", "host", "container"))
        self.client, self.outside, self.lan, self.host, self.container = self.all
        self._no_ipv6(self.host)
        # A switch does not show its frames to iptables.
        self.lan.write("/proc/sys/net/bridge/bridge-nf-call-iptables", "0")
        self._links()

    def _links(self):
        self.lan.ip("link", "add", "lan0", "type", "bridge")
        self.lan.ip("link", "set", "lan0", "up")
        self._veth(self.client, "eth0", "00:50:56:c0:00:08", self.lan, "client")
        self._veth(self.outside, "eth0", "00:50:56:e0:00:fe", self.lan, "outside")
        self._veth(self.host, "ens33", "00:0c:29:b6:16:6b", self.lan, "host")
        for port in ("client", "outside", "host"):
            self.lan.ip("link", "set", port, "master", "lan0")
        self._veth(self.container, "eth0", "02:42:ac:11:00:02", self.host, "veth50b382d")
        self.host.ip("link", "set", "veth50b382d", "address", "fa:9f:74:9c:7e:80")
        for ns in (self.client, self.outside, self.container):
            ns.ip("link", "set", "lo", "up")
        self.client.ip("addr", "add", f"{CLIENT}/24", "dev", "eth0")
        self.client.ip("route", "add", "172.17.0.0/16", "via", HOST)
        self.outside.ip("addr", "add", f"{OUTSIDE}/24", "dev", "eth0")
        self.outside.ip("addr", "add", f"{SERVER}/32", "dev", "lo")
        self.container.ip("addr", "add", f"{CONTAINER}/16", "dev", "eth0")
        self.container.ip("route", "add", "default", "via", DOCKER0)


class LineTopology(_Topology):
    """`client` and `server` are (address with prefix length, default gateway or None)."""

    def __init__(self, prefix, client, server):
        super().__init__(prefix, ("client", "host", "server"))
        self.client, self.host, self.server = self.all
        self._no_ipv6(self.host)
        for ns, peer, number, (address, gateway) in (
            (self.client, "eth0", 1, client),
            (self.server, "eth1", 2, server),
        ):
            # No IPv6 on the ends either: nothing is sent that no step asked for.
            self._no_ipv6(ns)
            self._veth(ns, "eth0", f"02:00:00:00:0{number}:01", self.host, peer)
            self.host.ip("link", "set", peer, "address", f"02:00:00:00:0{number}:02")
            ns.ip("link", "set", "lo", "up")
            ns.ip("addr", "add", address, "dev", "eth0")
            if gateway:
                ns.ip("route", "add", "default", "via", gateway)
