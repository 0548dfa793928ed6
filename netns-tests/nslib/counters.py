"""Rule and policy counters, read from what `iptables-save -c` and `iptables -L -n -v -x` print."""

import re

_RULE = re.compile(r"\[(\d+):(\d+)\] (-A .*)")
_CHAIN = re.compile(r":(\S+) (\S+) \[(\d+):(\d+)\]")
# iptables 1.8.9 prints protocols as numbers with -n; the document's version printed names.
_PROTOCOLS = {"0": "all", "6": "tcp"}


class Counters:
    """Every counter of a ruleset at one moment: {(table, place in the table, rule or ':CHAIN POLICY'): (packets,
    bytes)}, in the order of the text. Equal rules of one table are told apart by their place."""

    def __init__(self, save_text):
        self.values = {}
        table, place = None, 0
        for line in save_text.splitlines():
            if line.startswith("*"):
                table, place = line[1:], 0
            elif match := _RULE.fullmatch(line):
                self.values[table, place, match[3]] = int(match[1]), int(match[2])
            elif match := _CHAIN.fullmatch(line):
                self.values[table, place, f":{match[1]} {match[2]}"] = int(match[3]), int(match[4])
            elif line and line != "COMMIT" and not line.startswith("#"):
                raise ValueError(f"not iptables-save -c: {line!r}")
            place += 1 if line and not line.startswith("#") else 0

    def since(self, earlier):
        """{key: (packets, bytes)} of what moved."""
        moved = {}
        for key, (packets, size) in self.values.items():
            before = earlier.values.get(key, (0, 0))
            if (packets, size) != before:
                moved[key] = packets - before[0], size - before[1]
        return moved


def show(key):
    return f"{key[0]} {key[2]}"


def differences(one, other, names):
    """Lines that say where two {key: value} differ."""
    lines = []
    for key in list(one) + [k for k in other if k not in one]:
        if one.get(key) != other.get(key):
            lines.append(f"{show(key)}: {names[0]} {one.get(key)}, {names[1]} {other.get(key)}")
    return lines


def listing_rows(listing):
    """{chain: [(pkts, rest of the row without bytes)]} of `iptables -L -n -v -x --line-numbers`."""
    chains, rows = {}, None
    for line in listing.splitlines():
        if line.startswith("Chain "):
            rows = chains.setdefault(line.split()[1], [])
        elif line and not line.startswith("num "):
            _, pkts, _, target, protocol, *rest = line.split()
            rows.append((int(pkts), " ".join((target, _PROTOCOLS.get(protocol, protocol), *rest))))
    return chains
