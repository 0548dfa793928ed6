"""The two routers behind the same verbs.

    start(trace)         configure the lab in the host namespace; returns when it forwards
    restore(file)        other rules in place of the lab's, from a file of the lab
    counters()           the text of iptables-save -c
    logged()             the lines of LOG rules since the last call
    chain_exists(table, chain)   whether iptables -L knows it
    flush()              conntrack -F
    listing(table)       the text of iptables -t TABLE -L -n -v -x --line-numbers
    entries()            (stdout, stderr) of conntrack -L
    count(), statistics()  conntrack -C, and the sums over the cpus of conntrack -S
    events()             a conntrack.Events that is listening already
    trace()              why the packets since the last call went where they went; the kernel does not say
    stop()               end it; returns its last words
"""

import os
import re
import subprocess
import tempfile

from nslib import conntrack, logs, sandbox


def _sum_statistics(text):
    """The counters of all cpus added up: which cpu handled a packet is nobody's decision."""
    sums = {}
    for name, value in re.findall(r"(\w+)=(\d+)", text):
        if name != "cpu":
            sums[name] = sums.get(name, 0) + int(value)
    return sums


class _Router:
    def __init__(self, netns, lab):
        self.netns, self.lab = netns, lab
        self._log = None

    def _command(self, *words):
        """The command line that asks this router what `words` ask the kernel."""
        raise NotImplementedError

    def _conntrack(self, *options):
        """(stdout, stderr) of a conntrack command that must succeed."""
        command = self._command("conntrack", *options)
        with self.netns:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise sandbox.Failure(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout, done.stderr.strip()

    def entries(self):
        return self._conntrack("-L")

    def count(self):
        return int(self._conntrack("-C")[0])

    def statistics(self):
        return _sum_statistics(self._conntrack("-S")[0])

    def events(self):
        command = self._command("conntrack", "-E", "-o", "timestamp")
        process = self.netns.popen(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            sandbox.wait_until(lambda: self._listening(process), f"{self.name}: conntrack -E listens")
        except sandbox.Failure:
            process.kill()
            raise
        return conntrack.Events(process)

    def counters(self):
        return self.netns.run(*self._command("iptables-save", "-c"))

    def listing(self, table):
        return self.netns.run(*self._command("iptables", "-t", table, "-L", "-n", "-v", "-x", "--line-numbers"))

    def logged(self):
        return self._log.read()

    def chain_exists(self, table, chain):
        command = self._command("iptables", "-t", table, "-n", "-L", chain)
        with self.netns:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode and "No chain/target/match by that name" not in done.stderr:
            raise sandbox.Failure(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
        return done.returncode == 0

    def flush(self):
        self._conntrack("-F")

    def post_mortem(self):
        """What a failure should also say."""
        return ""


class KernelRouter(_Router):
    name = "kernel"

    def _command(self, *words):
        programs = {"iptables-save": "iptables-legacy-save", "iptables": "iptables-legacy"}
        return [programs.get(words[0], words[0]), *words[1:]]

    def start(self, trace=False):
        del trace  # the kernel has none to give
        self.netns.run("ip", "-batch", self.lab / "network")
        self.netns.run("sysctl", "-q", "-p", self.lab / "sysctl.conf")
        self._log = logs.Nflog(self.netns)
        self.restore("rules.v4")

    def restore(self, file):
        with tempfile.TemporaryFile("w+") as rules:
            rules.write(logs.with_nflog((self.lab / file).read_text(encoding="ascii")))
            rules.seek(0)
            self.netns.run("iptables-legacy-restore", stdin=rules)

    def counters(self):
        return logs.without_nflog(super().counters())

    @staticmethod
    def _listening(process):
        """Whether the program has joined the groups of nfnetlink: its socket shows with a group mask."""
        with open(f"/proc/{process.pid}/net/netlink", encoding="ascii") as sockets:
            lines = [line.split() for line in sockets][1:]
        return process.poll() is None and any(line[1] == "12" and int(line[3], 16) for line in lines)

    def trace(self):
        return ""

    def stop(self):
        self._log.close()
        return ""


class HookpointRouter(_Router):
    name = "hookpoint"
    HOST_TUN = "hostport0"

    def __init__(self, netns, lab, program):
        super().__init__(netns, lab)
        self._program = program
        self._run = tempfile.mkdtemp(prefix="hookpoint-", dir="/run")
        self._control = os.path.join(self._run, "control")
        self._trace_path = os.path.join(self._run, "trace")
        self._trace_read = 0
        self._log_path = os.path.join(self._run, "log")
        self._process = None

    def _command(self, *words):
        return [self._program, *words, "--control", self._control]

    def start(self, trace=False):
        command = [self._program, "run", self.lab, "--control", self._control, "--log", self._log_path]
        # Who wants the trace shows the handshake only. No process of the host takes part in it, and without the TUN
        # nobody needs access to /dev/net/tun.
        command += ["--trace", self._trace_path] if trace else ["--host-tun", self.HOST_TUN]
        self._process = self.netns.popen(*command, stdout=subprocess.PIPE)
        sandbox.wait_readable(self._process.stdout, "hookpoint prints ready")
        line = self._process.stdout.readline()
        if line != b"ready\n":
            status = None if line else self._process.wait(sandbox.DEADLINE)
            raise sandbox.Failure(f"hookpoint run printed {line!r} instead of ready, exit {status}")
        self._log = logs.LogFile(self._log_path)

    def restore(self, file):
        with open(self.lab / file, encoding="ascii") as rules:
            self.netns.run(*self._command("iptables-restore"), stdin=rules)

    def _sync(self):
        """Until what the processes of the host have sent is handled, as it is in the kernel when send() returns."""
        self.netns.run(*self._command("sync"))

    def counters(self):
        self._sync()
        return super().counters()

    def logged(self):
        self._sync()
        return super().logged()

    def kernel_stays_out(self):
        """What is wrong with the claim that the kernel of the host namespace forwards and answers nothing."""
        wrong = []
        if self.netns.read("/proc/sys/net/ipv4/ip_forward") != "0\n":
            wrong.append("net.ipv4.ip_forward is not 0")
        if self.netns.read("/proc/net/ip_tables_names"):
            wrong.append("the kernel's iptables have tables")
        for link in self.netns.ip_json("-4", "addr", "show"):
            if link.get("ifname") not in ("lo", self.HOST_TUN):
                wrong.append(f"{link['ifname']} has an address")
        if any(link.get("ifname") == "docker0" for link in self.netns.ip_json("link", "show")):
            wrong.append("docker0 is the kernel's")
        return wrong

    @staticmethod
    def _listening(process):
        """Whether the program sleeps in a system call that waits for the daemon (read, poll, select, recvfrom,
        recvmsg, epoll_wait, pselect6, ppoll, epoll_pwait): then its request has been written. Requests are taken in
        the order they came."""
        if process.poll() is not None:
            raise sandbox.Failure(f"conntrack -E: exit {process.returncode}: {process.stderr.read().decode().strip()}")
        with open(f"/proc/{process.pid}/syscall", encoding="ascii") as file:
            number = file.read().split()[0]
        return number in ("0", "7", "23", "45", "47", "232", "270", "271", "281")

    def events(self):
        events = super().events()
        self.count()
        return events

    def trace(self):
        with open(self._trace_path, encoding="utf-8") as file:
            file.seek(self._trace_read)
            text = file.read()
            self._trace_read = file.tell()
        return text

    def post_mortem(self):
        status = self._process.poll() if self._process else None
        return "" if status is None else f"; hookpoint has ended by itself: exit {status}"

    def stop(self):
        self._log.close()
        status = sandbox.end_process(self._process)
        words = self._process.stdout.read().decode()
        if status != 0:
            raise sandbox.Failure(f"hookpoint run: exit {status} after SIGTERM: {words.strip()}")
        return words
