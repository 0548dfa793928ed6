"""One router taken through the steps of a test, and two such runs compared.

A test derives from Run, makes its topology and drives the steps; `main` reads the command line, runs the steps once
per router, each in namespaces of its own, and compares the runs.
"""

import argparse
import os
import pathlib

from nslib import conntrack, logs, sandbox
from nslib.checks import Checks
from nslib.counters import Counters, differences, show
from nslib.routers import HookpointRouter, KernelRouter

LABS = pathlib.Path(__file__).resolve().parent.parent / "labs"

# Events of a TCP connection that the client closes first, each FIN acknowledged before the other is sent.
OPENED = ["NEW SYN_SENT", "UPDATE SYN_RECV", "UPDATE ESTABLISHED"]
CLOSED = ["UPDATE FIN_WAIT", "UPDATE CLOSE_WAIT", "UPDATE LAST_ACK", "UPDATE TIME_WAIT"]


class Run:
    """What one router showed at each step. A derived class has `lab`, the folder's name, and make_topology()."""

    def __init__(self, router_class, checks, *arguments):
        self.checks = checks
        self.name = router_class.name
        self.topology = self.make_topology(self.name)
        self.router = router_class(self.topology.host, LABS / self.lab, *arguments)
        self.deltas = {}  # label -> what moved since the label before
        self.free = set()  # labels where TCP decides the number of packets
        self.events = {}  # step -> events
        self.logs = {}  # step -> lines
        self.entries = {}  # step -> Entries
        self.last_words = {}  # what the conntrack programs said at their end
        self._counters = None
        self._stream = None

    def start(self, trace=False):
        self.router.start(trace)
        self.topology.wait_for_links()
        self._stream = self.router.events()
        self.zero("start")

    def zero(self, label):
        """The first look at a ruleset."""
        self._counters = None
        self.snapshot(label)
        self.checks.none(
            [f"{show(key)} {value}" for key, value in self._counters.values.items() if value != (0, 0)],
            f"{label}: before the first packet every counter is 0",
        )

    def snapshot(self, label):
        now = Counters(self.router.counters())
        self.deltas[label] = now.since(self._counters) if self._counters else dict(now.values)
        self._counters = now

    def moved(self, label, table, chain):
        """Packets by which the counters of a chain moved: {rule without its chain, or 'policy': packets}."""
        found = {}
        for (in_table, _, rule), (packets, _) in self.deltas[label].items():
            if in_table == table and rule.startswith((f"-A {chain} ", f":{chain} ")):
                found["policy" if rule[0] == ":" else rule[len(f"-A {chain} ") :]] = packets
        return found

    def expect_moved(self, label, table, chain, expected, text):
        self.checks.equal(self.moved(label, table, chain), expected, f"{label}: {text}")

    def expect_events(self, step, last, expected):
        """Waits for the step's last event; `last` is (kind, text in it)."""
        got = self.events[step] = self._stream.until(last[0], f"{self.name}, {step}", last[1])
        seen = [f"{line.kind.strip(' []')} {line.state}".strip() for line in got]
        self.checks.equal(seen, expected, f"{step}: events {', '.join(expected)}")

    def take_log(self, step):
        """The lines since the last look. What the step caused must have happened already."""
        self.logs[step] = self.router.logged()
        return self.logs[step]

    def take_entries(self, step):
        text, words = self.router.entries()
        self.entries[step] = conntrack.Entries(text, self._stream)
        self.last_words[f"{step}: conntrack -L"] = words
        return self.entries[step].lines

    def end_events(self):
        late, self.last_words["conntrack -E"] = self._stream.end()
        self.checks.none([line.text for line in late], "no event came that no step caused")

    def stop(self):
        if isinstance(self.router, HookpointRouter):
            self.checks.none(self.router.kernel_stays_out(), "the host's kernel has no part in it")
            self.checks.ok(self.router.stop().strip(), "hookpoint ends with a summary")
        else:
            self.router.stop()
        self.topology.delete()


def compare(one, other, checks, counts_always=lambda key: False):
    """Two runs of the same steps: equal counters (packets and bytes), events, log lines, entries. Of a step in `free`
    the same rules moved, and those of `counts_always` by the same."""
    names = (one.name, other.name)
    print(f"{one.name} and {other.name} compared")
    checks.equal(list(other.deltas), list(one.deltas), "the same steps")
    for label in one.deltas:
        a, b = one.deltas[label], other.deltas.get(label, {})
        if label in one.free:
            checks.none([show(key) for key in set(a) ^ set(b)], f"{label}: the same rules moved")
            a, b = ({key: value for key, value in side.items() if counts_always(key)} for side in (a, b))
            checks.none(differences(a, b, names), f"{label}: the same counts where connections are counted")
        else:
            checks.none(differences(a, b, names), f"{label}: the same packets and bytes")
    for step in one.events:
        lines = conntrack.event_differences(one.events[step], other.events.get(step, []), names)
        checks.none(lines, f"{step}: the same events")
    for step in one.logs:
        a, b = (logs.alike(side.logs.get(step, [])) for side in (one, other))
        checks.equal(b, a, f"{step}: the same log lines")
    for step in one.entries:
        lines = conntrack.entry_differences(one.entries[step], other.entries[step], names)
        checks.none(lines, f"{step}: conntrack -L has the same entries")
    checks.equal(other.last_words, one.last_words, "the same last words")


def arguments(description):
    """The parser of what every test takes."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hookpoint", default=os.environ.get("HOOKPOINT"), metavar="PROGRAM")
    parser.add_argument("--router", choices=("kernel", "hookpoint"), action="append")
    return parser


def enter(parser, options, default, body):
    """Calls body([(router class, arguments)], checks) inside `unshare`; the exit status."""
    names = options.router or default
    if "hookpoint" in names and not os.access(options.hookpoint or "", os.X_OK):
        parser.error("needs --hookpoint PROGRAM or $HOOKPOINT (or --router kernel)")
    routers = {
        "kernel": (KernelRouter, ()),
        "hookpoint": (HookpointRouter, (os.path.abspath(options.hookpoint or ""),)),
    }
    checks = Checks()
    try:
        sandbox.enter_unshare()
        body([routers[name] for name in names], checks)
    except sandbox.Failure as failure:
        print(f"  FAIL  {failure}", flush=True)
        return 1
    return checks.result()


def run_all(run_class, steps, routers, checks):
    """steps(run) with every router; the ended runs."""
    runs = []
    for router_class, arguments_ in routers:
        print(f"router: {router_class.name}")
        run = run_class(router_class, checks, *arguments_)
        try:
            steps(run)
        except sandbox.Failure as failure:
            raise sandbox.Failure(f"{failure}{run.router.post_mortem()}") from None
        run.stop()
        runs.append(run)
    return runs


def main(description, run_class):
    """A test whose steps are run_class.steps()."""
    parser = arguments(description)

    def body(routers, checks):
        runs = run_all(run_class, run_class.steps, routers, checks)
        for other in runs[1:]:
            compare(runs[0], other, checks)

    return enter(parser, parser.parse_args(), ["kernel", "hookpoint"], body)
