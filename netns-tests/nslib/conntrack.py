"""What `conntrack -E` and `conntrack -L` print, and when two runs of the same steps printed the same.

The tests bind every port and choose every ICMP id, so nothing in the text is mapped. Three things are read apart:
  - the seconds left of an entry. In an event they may differ by 1: they are printed rounded down, and the clock may
    tick between setting and printing. In a list the age of the flow (the time since its last event was read) is added
    first, since the two runs did not take equally long; then they may differ by 1 for the same reason, and by half a
    second more for what an age is measured wrong when the machine is busy.
  - the order of a list, which is the order of a hash table.
  - what the program adds to the event of an entry that a program deleted: that program's netlink port, and its
    name if it still runs. hookpoint deletes itself what `hookpoint conntrack` asks it to.
"""

import os
import re
import time

from nslib import sandbox

_STAMP_AND_KIND = r"\[\d+\.\d{6}\]\t(?P<kind> *\[[A-Z]+\]) "
_DELETER = r"(?: \[USERSPACE\] portid=\d+(?: progname=\S+)?)?"
_EVENT = re.compile(_STAMP_AND_KIND + r"(?P<protocol>\S+ +\d+) (?:(?P<left>\d+) )?(?P<rest>\S.*?)" + _DELETER)
_ENTRY = re.compile(r"(?P<protocol>\S+ +\d+) (?P<left>\d+) (?P<rest>\S.*)")
_STATE = re.compile(r"[A-Z][A-Z0-9_]+ ")


class Line:
    """One event or one entry."""

    def __init__(self, match, kind, text):
        self.text, self.kind = text, kind
        self.protocol = match["protocol"]
        self.left = None if match["left"] is None else int(match["left"])
        self.rest = match["rest"]
        self.read_at = time.monotonic()

    @property
    def state(self):
        match = _STATE.match(self.rest)
        return match[0].strip() if match else ""

    @property
    def original(self):
        """The text of the original tuple: what names the flow."""
        words = [word for word in self.rest.split() if "=" in word]
        end = next(i for i, word in enumerate(words) if i and word.startswith("src="))
        return " ".join([self.protocol.split()[0], *words[:end]])

    def same(self, other, left, other_left, tolerance):
        if (self.kind, self.protocol, self.rest) != (other.kind, other.protocol, other.rest):
            return False
        if left is None or other_left is None:
            return left is other_left
        return abs(left - other_left) <= tolerance


def parse_event(text):
    match = _EVENT.fullmatch(text)
    if not match:
        raise sandbox.Failure(f"not a line of conntrack -E -o timestamp: {text!r}")
    return Line(match, match["kind"], text)


class Events:
    """A running `conntrack -E -o timestamp`; `process` writes its lines into a pipe."""

    def __init__(self, process):
        self.process = process
        self.all = []
        self._unparsed = b""
        self._waiting = []

    def _read(self):
        chunk = os.read(self.process.stdout.fileno(), 65536)
        *lines, self._unparsed = (self._unparsed + chunk).split(b"\n")
        for line in lines:
            self._waiting.append(parse_event(line.decode().rstrip()))
        return chunk

    def until(self, kind, what, text):
        """The events up to the first that is a `kind` and has `text` in it. They become part of `all`."""
        taken = []
        while True:
            while self._waiting:
                taken.append(self._waiting.pop(0))
                self.all.append(taken[-1])
                if kind in taken[-1].kind and text in taken[-1].text:
                    return taken
            try:
                sandbox.wait_readable(self.process.stdout, f"{what}: event [{kind}] with \"{text}\"")
            except sandbox.Failure as failure:
                seen = "".join(f"\n      {line.text}" for line in taken) or " nothing"
                raise sandbox.Failure(f"{failure}; came:{seen}") from None
            if not self._read():
                raise sandbox.Failure(f"conntrack -E ended: {self.process.stderr.read().decode().strip()}")

    def end(self):
        """Stops the program; returns (events nobody waited for, its last words on stderr)."""
        status = sandbox.end_process(self.process)
        while self._read():
            pass
        if status != 0:
            raise sandbox.Failure(f"conntrack -E: exit {status}")
        self.all += self._waiting
        return self._waiting, self.process.stderr.read().decode().strip()


class Entries:
    """The answer to one `conntrack -L`."""

    def __init__(self, text, events):
        now = time.monotonic()
        last = {event.original: event.read_at for event in events.all}
        self.lines = []
        for line in text.splitlines():
            match = _ENTRY.fullmatch(line.rstrip())
            if not match:
                raise sandbox.Failure(f"not a line of conntrack -L: {line!r}")
            entry = Line(match, "", line)
            entry.full = entry.left + (now - last.get(entry.original, now))
            self.lines.append(entry)
        self.lines.sort(key=lambda entry: (entry.protocol, entry.original))


def event_differences(one, other, names):
    return _differences(one, other, names, lambda line: line.left, 1)


def entry_differences(one, other, names):
    return _differences(one.lines, other.lines, names, lambda line: line.full, 1.5)


def _differences(one, other, names, left, tolerance):
    lines = []
    for i in range(max(len(one), len(other))):
        a, b = (side[i] if i < len(side) else None for side in (one, other))
        if a is None or b is None or not a.same(b, left(a), left(b), tolerance):
            lines += [f"{name}: {line.text if line else '-'}" for name, line in zip(names, (a, b))]
    return lines
