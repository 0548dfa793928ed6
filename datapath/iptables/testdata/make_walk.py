#!/usr/bin/env python3
"""Makes walk.rules (a mangle table full of jumps) and walk.packets; run by hand, the results are kept.

With the argument "send" it sends walk.packets over lo, for capture.sh.
"""
import random
import socket
import sys

if sys.argv[1:] == ["send"]:
    # Somebody listens, so that no ICMP error comes back.
    listeners = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(8)]
    for i, s in enumerate(listeners):
        s.bind(("0.0.0.0", 1000 + i))
    for line in open("walk.packets"):
        source, sport, destination, dport, payload = line.split()
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((source, int(sport)))
        try:
            s.sendto(b"x" * int(payload), (destination, int(dport)))
        except PermissionError:
            pass  # dropped in OUTPUT
        s.close()
    sys.exit()

r = random.Random(7)
users = 9


def match():
    out = ""
    if r.random() < 0.3:
        out += r.choice(["", " !"]) + " -s " + r.choice(["127.0.0.1", "127.0.0.2", "127.0.0.2/31", "127.0.0.0/8"])
    if r.random() < 0.3:
        out += r.choice(["", " !"]) + " -d " + r.choice(["127.0.0.1", "127.0.0.3", "127.0.0.2/31", "0.0.0.1/0.0.0.1"])
    kind = r.random()
    if kind < 0.5:
        out += " -p udp"
        if r.random() < 0.7:
            out += r.choice(["", "", " !"]) + " --dport " + r.choice(["1000", "1001", "1000:1002", "1003:", ":1004"])
        if r.random() < 0.3:
            out += r.choice(["", " !"]) + " --sport " + r.choice(["2000", "2000:2001", "2002"])
    elif kind < 0.6:
        out += r.choice([" -p tcp", " ! -p tcp", " ! -p udp"])
    if r.random() < 0.15:
        out += " ! -f"
    return out


def target(first, marks):
    kind = r.random()
    if first < users and kind < 0.5:
        return r.choice([" -j", " -j", " -g"]) + " u%d" % r.randrange(first, users)
    if kind < 0.58:
        return " -j ACCEPT"
    if kind < 0.62:
        return " -j DROP"
    if kind < 0.75:
        return " -j RETURN"
    if kind < 0.85 and marks:
        return " -j MARK --set-mark %d" % r.randrange(4)
    return ""


out = ["*mangle", ":OUTPUT ACCEPT [0:0]", ":INPUT DROP [0:0]"] + [":u%d - [0:0]" % i for i in range(users)]
for chain, first, marks in [("OUTPUT", users // 2, False), ("INPUT", 0, True)] + [
    ("u%d" % i, i + 1, i < users // 2) for i in range(users)
]:
    for _ in range(r.randrange(5, 11)):
        extra = ""
        if marks and chain != "OUTPUT" and r.random() < 0.2:
            extra = " -m mark --mark %d" % r.randrange(4)
        if chain == "INPUT" and r.random() < 0.2:
            extra += r.choice([" -i lo", " -i l+", " ! -i eth0", " -i eth0"])
        out.append("-A " + chain + match() + extra + target(first, marks))
out.append("COMMIT")
open("walk.rules", "w").write("\n".join(out) + "\n")
with open("walk.packets", "w") as f:
    for _ in range(400):
        f.write("127.0.0.%d %d 127.0.0.%d %d %d\n" % (r.randrange(1, 5), 2000 + r.randrange(4), r.randrange(1, 5),
                                                       1000 + r.randrange(8), r.randrange(200)))
