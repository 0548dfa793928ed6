"""NFQUEUE over raw netlink: holds the packets a namespace is about to send, one by one, until released.

The queue stands in the OUTPUT chain of an *end* of a connection, never of the router. The packets are those of the
real TCP stack, and a released one goes on as the same skb, offloads included.
"""

import socket
import struct

from nslib import sandbox

_NETLINK_NETFILTER = 12
_SUBSYS_QUEUE = 3
_MSG_PACKET, _MSG_VERDICT, _MSG_CONFIG = 0, 1, 2
_NLM_F_REQUEST, _NLM_F_ACK, _NLMSG_ERROR = 1, 4, 2
_CFG_CMD, _CFG_PARAMS, _CMD_BIND, _COPY_PACKET = 1, 2, 1, 2
_ATTR_PACKET_HDR, _ATTR_VERDICT_HDR, _ATTR_PAYLOAD = 1, 2, 10
_NF_ACCEPT = 1
_FLAGS = (("F", 0x01), ("S", 0x02), ("R", 0x04), ("P", 0x08), ("A", 0x10))


def _attribute(kind, data):
    length = 4 + len(data)
    return struct.pack("=HH", length, kind) + data + b"\0" * (-length % 4)


class Held:
    """A TCP packet in the queue, not sent yet."""

    def __init__(self, queue, number, ip):
        self._queue, self._number = queue, number
        tcp = ip[(ip[0] & 15) * 4 :]
        self.source, self.destination = socket.inet_ntoa(ip[12:16]), socket.inet_ntoa(ip[16:20])
        self.sport, self.dport, self.seq, self.ack = struct.unpack_from("!HHII", tcp)
        self.flags = "".join(name for name, bit in _FLAGS if tcp[13] & bit)
        self.length = struct.unpack_from("!H", ip, 2)[0]

    def __str__(self):
        return f"{self.source}:{self.sport} > {self.destination}:{self.dport} [{self.flags}] length {self.length}"

    def release(self):
        # The verdict is carried out inside send(): when it returns, the packet is on its way.
        self._queue._send(_MSG_VERDICT, _attribute(_ATTR_VERDICT_HDR, struct.pack("!II", _NF_ACCEPT, self._number)))


class Queue:
    """Queue 1 of a namespace; holds every TCP packet sent from or to one of `ports`."""

    def __init__(self, netns, ports):
        self._where = netns.name
        self._seen = set()
        self._number = 1
        self._socket = netns.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        self._socket.bind((0, 0))
        bind = struct.pack("!BxH", _CMD_BIND, socket.AF_INET)
        self._send(_MSG_CONFIG, _attribute(_CFG_CMD, bind), acknowledged=True)
        self._send(_MSG_CONFIG, _attribute(_CFG_PARAMS, struct.pack("!IB", 128, _COPY_PACKET)), acknowledged=True)
        for side in ("--sport", "--dport"):
            rule = f"-A OUTPUT -p tcp {side} {ports[0]}:{ports[-1]} -j NFQUEUE --queue-num {self._number}"
            netns.run("iptables-legacy", *rule.split())

    def _send(self, kind, payload, acknowledged=False):
        flags = _NLM_F_REQUEST | (_NLM_F_ACK if acknowledged else 0)
        body = struct.pack("!BBH", 0, 0, self._number) + payload
        header = struct.pack("=IHHII", 16 + len(body), _SUBSYS_QUEUE << 8 | kind, flags, 0, 0)
        self._socket.send(header + body)
        if acknowledged:
            self._error(self._socket.recv(65536))

    def _error(self, message):
        if struct.unpack_from("=H", message, 4)[0] == _NLMSG_ERROR:
            number = -struct.unpack_from("=i", message, 16)[0]
            if number:
                raise sandbox.Failure(f"nfnetlink_queue in {self._where}: errno {number}")

    def expect(self, flags):
        """The next held packet; it must have exactly these flags and must not be a retransmission."""
        sandbox.wait_readable(self._socket, f"a TCP packet [{flags}] leaves {self._where}")
        message = self._socket.recv(65536)
        self._error(message)
        found = sandbox.netlink_attributes(message[20:])
        held = Held(self, struct.unpack_from("!I", found[_ATTR_PACKET_HDR])[0], found[_ATTR_PAYLOAD])
        key = (held.sport, held.dport, held.flags, held.seq, held.ack)
        if key in self._seen and held.flags != "A":
            raise sandbox.Failure(
                f"{self._where} retransmits {held}: a packet was lost on the way, or the machine was too slow to step"
            )
        self._seen.add(key)
        if held.flags != flags:
            raise sandbox.Failure(f"{self._where} sends {held}, expected [{flags}]")
        return held

    def close(self):
        self._socket.close()
