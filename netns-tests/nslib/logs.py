"""What LOG rules say, in both routers, as the lines of nf_log_syslog.c.

The kernel writes LOG lines of a namespace to the machine's log only, which is not ours to read or to switch. So the
kernel's copy of a lab has NFLOG rules in place of LOG ones, with the same matches and prefixes: they hand over the
same packet at the same place, and `Nflog` writes the line from it. hookpoint writes its lines itself (`run --log`).

`alike` takes out of lines what no step decides: IP ids and unasked-for ports start anywhere.
"""

import re
import socket
import struct

from nslib import sandbox

GROUP = 1
_NETLINK_NETFILTER, _SUBSYS_ULOG = 12, 4
_MSG_PACKET, _MSG_CONFIG, _NLMSG_ERROR = 0, 1, 2
_CFG_CMD, _CFG_MODE, _CFG_QTHRESH, _CMD_BIND, _COPY_PACKET = 1, 2, 5, 1, 2
_ATTR_INDEV, _ATTR_OUTDEV, _ATTR_PAYLOAD, _ATTR_PREFIX, _ATTR_HWHEADER = 4, 5, 9, 10, 16
_TCP_FLAGS = (("CWR", 128), ("ECE", 64), ("URG", 32), ("ACK", 16), ("PSH", 8), ("RST", 4), ("SYN", 2), ("FIN", 1))

_LOG = re.compile(r'-j LOG --log-prefix ("[^"]*"|\S+)')
_NFLOG = re.compile(r'-j NFLOG --nflog-prefix ("[^"]*"|\S+) --nflog-group \d+')


def with_nflog(rules):
    return _LOG.sub(rf"-j NFLOG --nflog-prefix \1 --nflog-group {GROUP}", rules)


def without_nflog(rules):
    return _NFLOG.sub(r"-j LOG --log-prefix \1", rules)


def _line(prefix, indev, outdev, mac, ip):
    size = (ip[0] & 15) * 4
    tos, length, number, fragment, ttl, protocol = struct.unpack_from("!xBHHHBB", ip)
    if fragment & 0x3FFF or size != 20:
        raise sandbox.Failure("a logged packet is a fragment or has IP options: no step sends any")
    words = [f"IN={indev}", f"OUT={outdev}"]
    if indev:
        words.append(f"MAC={mac.hex(':')}")
    words += [f"SRC={socket.inet_ntoa(ip[12:16])}", f"DST={socket.inet_ntoa(ip[16:20])}", f"LEN={length}"]
    words += [f"TOS=0x{tos & 0x1E:02X}", f"PREC=0x{tos & 0xE0:02X}", f"TTL={ttl}", f"ID={number}"]
    words += ["DF"] if fragment & 0x4000 else []
    if protocol == socket.IPPROTO_TCP:
        sport, dport, _, _, offset, flags, window, _, urgent = struct.unpack_from("!HHIIBBHHH", ip, size)
        words += ["PROTO=TCP", f"SPT={sport}", f"DPT={dport}", f"WINDOW={window}", f"RES=0x{(offset & 15) << 2:02x}"]
        words += [name for name, bit in _TCP_FLAGS if flags & bit] + [f"URGP={urgent}"]
    elif protocol == socket.IPPROTO_UDP:
        words += ["PROTO=UDP", "SPT=%d DPT=%d LEN=%d" % struct.unpack_from("!HHH", ip, size)]
    else:
        raise sandbox.Failure(f"a logged packet of protocol {protocol}: no step sends any")
    return prefix + " ".join(words) + " "


class Nflog:
    """The packets of group 1 of a namespace. They are in the socket before they go on in the kernel."""

    def __init__(self, netns):
        self._netns = netns
        self._names = {}
        self._socket = netns.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        self._socket.bind((0, 0))
        self._configure(_CFG_CMD, struct.pack("!B", _CMD_BIND))
        self._configure(_CFG_MODE, struct.pack("!IBx", 0xFFFF, _COPY_PACKET))
        self._configure(_CFG_QTHRESH, struct.pack("!I", 1))
        self._socket.setblocking(False)

    def _configure(self, kind, data):
        attribute = struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)
        body = struct.pack("!BBH", socket.AF_INET, 0, GROUP) + attribute
        self._socket.send(struct.pack("=IHHII", 16 + len(body), _SUBSYS_ULOG << 8 | _MSG_CONFIG, 5, 0, 0) + body)
        answer = self._socket.recv(65536)
        kind, number = struct.unpack_from("=H", answer, 4)[0], -struct.unpack_from("=i", answer, 16)[0]
        if kind != _NLMSG_ERROR or number:
            raise sandbox.Failure(f"nfnetlink_log in {self._netns.name}: errno {number}")

    def _device(self, attribute):
        if not attribute:
            return ""
        index = struct.unpack("!I", attribute)[0]
        if index not in self._names:
            self._names = {link["ifindex"]: link["ifname"] for link in self._netns.ip_json("link", "show")}
        return self._names[index]

    def read(self):
        lines = []
        while True:
            try:
                data = self._socket.recv(1 << 17)
            except BlockingIOError:
                return lines
            while len(data) >= 16:
                length, kind = struct.unpack_from("=IH", data)
                if kind == _SUBSYS_ULOG << 8 | _MSG_PACKET:
                    lines.append(self._packet(sandbox.netlink_attributes(data[20:length])))
                data = data[(length + 3) & ~3 :]

    def _packet(self, found):
        prefix = found.get(_ATTR_PREFIX, b"").rstrip(b"\0").decode()
        devices = self._device(found.get(_ATTR_INDEV)), self._device(found.get(_ATTR_OUTDEV))
        return _line(prefix, *devices, found.get(_ATTR_HWHEADER, b""), found[_ATTR_PAYLOAD])

    def close(self):
        self._socket.close()


class LogFile:
    """The lines a running hookpoint has written so far."""

    def __init__(self, path):
        self._file = open(path, encoding="ascii")

    def read(self):
        return [line.rstrip("\n") for line in self._file.readlines()]

    def close(self):
        self._file.close()


def alike(lines):
    """The lines with their IP ids replaced: equal ids stay equal, 0 stays 0."""
    numbers = {"0": "0"}

    def replace(match):
        return " ID=" + numbers.setdefault(match[1], f"#{len(numbers)}")

    return [re.sub(r" ID=(\d+)", replace, line) for line in lines]


def fields(line):
    """{name: value} of a line; flags have the value True, the prefix is ''."""
    prefix, rest = line.split("IN=", 1)
    found = {"": prefix.rstrip()}
    for word in ("IN=" + rest).split():
        name, _, value = word.partition("=")
        found.setdefault(name, value if "=" in word else True)
    return found
