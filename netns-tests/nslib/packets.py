"""Frames and capture files made from given numbers, and taken apart again; RFC 791, 792, 793, 768, 826; pcap and pcapng
as their own pages give them. Nothing here is taken from hookpoint."""

import socket
import struct

ETHER_IPV4, ETHER_ARP = 0x0800, 0x0806
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def address(text):
    return socket.inet_aton(text)


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(destination, source, kind, payload):
    return mac(destination) + mac(source) + struct.pack("!H", kind) + payload


def ipv4(source, destination, protocol, payload, ttl=64, ident=0, tos=0, flags=0x4000):
    head = struct.pack("!BBHHHBBH", 0x45, tos, 20 + len(payload), ident, flags, ttl, protocol, 0)
    head += address(source) + address(destination)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def _with_pseudo_header(source, destination, protocol, segment, at):
    pseudo = address(source) + address(destination) + struct.pack("!BBH", 0, protocol, len(segment))
    value = checksum(pseudo + segment)
    if protocol == 17 and value == 0:
        value = 0xFFFF
    return segment[:at] + struct.pack("!H", value) + segment[at + 2 :]


def tcp(source, sport, destination, dport, flags, seq, ack=0, data=b"", window=64240, options=b"", **ip):
    segment = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                          (5 + len(options) // 4) << 4, flags, window, 0, 0) + options + data  # fmt: skip
    return ipv4(source, destination, 6, _with_pseudo_header(source, destination, 6, segment, 16), **ip)


def udp(source, sport, destination, dport, data=b"", **ip):
    segment = struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    return ipv4(source, destination, 17, _with_pseudo_header(source, destination, 17, segment, 6), **ip)


def icmp(source, destination, kind, code, rest, data=b"", **ip):
    message = struct.pack("!BBHI", kind, code, 0, rest) + data
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    return ipv4(source, destination, 1, message, **ip)


def ping(source, destination, ident, number, reply=False, data=b"abcdefgh" * 7, **ip):
    return icmp(source, destination, 0 if reply else 8, 0, ident << 16 | number, data, **ip)


def arp(operation, sender_mac, sender, target_mac, target):
    return (struct.pack("!HHBBH", 1, ETHER_IPV4, 6, 4, operation) + mac(sender_mac) + address(sender)
            + mac(target_mac) + address(target))  # fmt: skip


# --- capture files. A packet is (time in ns, bytes), (time, bytes, original length) or (..., interface number).

MICRO, NANO = 0xA1B2C3D4, 0xA1B23C4D


def pcap(packets, link=1, nano=False, order="<", snaplen=262144):
    out = struct.pack(order + "IHHiIII", NANO if nano else MICRO, 2, 4, 0, 0, snaplen, link)
    for time, data, *more in packets:
        data, original = data[:snaplen], more[0] if more else len(data)
        fraction = time % 1_000_000_000 // (1 if nano else 1000)
        out += struct.pack(order + "IIII", time // 1_000_000_000, fraction, len(data), original) + data
    return out


def _block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def _option(order, code, value):
    return struct.pack(order + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def pcapng(packets, interfaces=("",), link=1, nano=False, order="<"):
    """`packets`: (time, bytes, original length, interface number)."""
    out = _block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    for name in interfaces:
        options = _option(order, 2, name.encode()) if name else b""
        if nano:
            options += _option(order, 9, b"\x09")
        if options:
            options += _option(order, 0, b"")
        out += _block(order, 1, struct.pack(order + "HHI", link, 0, 0) + options)
    for time, data, *more in packets:
        original = more[0] if more else len(data)
        interface = more[1] if len(more) > 1 else 0
        stamp = time if nano else time // 1000
        head = struct.pack(order + "IIIII", interface, stamp >> 32, stamp & 0xFFFFFFFF, len(data), original)
        out += _block(order, 6, head + data)
    return out


def read_pcap(data):
    """[(time in ns, bytes, original length)] and the link type."""
    order = "<" if data[:4] in (struct.pack("<I", MICRO), struct.pack("<I", NANO)) else ">"
    magic, major, minor, _, _, _, link = struct.unpack_from(order + "IHHiIII", data)
    if magic not in (MICRO, NANO) or (major, minor) != (2, 4):
        raise ValueError("not a pcap file")
    packets, at = [], 24
    while at < len(data):
        seconds, fraction, size, original = struct.unpack_from(order + "IIII", data, at)
        at += 16
        if at + size > len(data):
            raise ValueError("cut short")
        packets.append((seconds * 1_000_000_000 + fraction * (1 if magic == NANO else 1000), data[at : at + size], original))
        at += size
    return packets, link
