"""Real ends for the router: a TCP connection stepped packet by packet, an HTTP server, ping, UDP."""

import contextlib
import hashlib
import http.server
import os
import random
import select
import signal
import socket
import struct
import subprocess

from nslib import sandbox

BODY_SIZE = 100_000_000


def body():
    """The file to download: 100 MB that do not repeat, the same in every run."""
    return random.Random(1).randbytes(BODY_SIZE)


def listen(netns, address, port):
    listener = netns.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(16)
    listener.settimeout(sandbox.DEADLINE)
    return listener


def _acknowledge_now(connection):
    """Sends a delayed ACK that is due at once, so that a FIN never carries the first ACK of the other's FIN: the
    connection closes with the same four packets in every run."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


class SteppedConnection:
    """One TCP connection without data, every packet of it held until the test has looked at the router.

    A packet has passed the router for certain when what it causes at the far end can be seen:
      SYN       the listener's SYN+ACK is in its own queue
      SYN+ACK   the client's ACK is in its queue
      ACK       accept() returns
      FIN       the listener's end reads end-of-file (and so for the other direction)
      last ACK  poll() says that the socket is closed for good
    `seen(packet)` is called at these moments, with the name of the packet that has just passed. The client's queue is
    None when the client is a process on the router's own host; then what it sends is not held, and of its two packets
    in a row only the second is shown. The same goes for the listener's: with only the client's, the SYN and the
    SYN+ACK are shown as one, with none the handshake is; and a FIN is shown with its ACK.
    """

    def __init__(self, client_ns, client_queue, port, listener, listener_queue, seen):
        self._client_queue, self._listener_queue, self._seen = client_queue, listener_queue, seen
        self._port, self._listener = port, listener
        self.client = client_ns.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.client.bind(("0.0.0.0", port))
        self.server = None
        self.peer = None  # (address, port) as the server sees the client

    @staticmethod
    def _pass(queue, flags):
        if queue:
            queue.expect(flags).release()

    def open(self, address, port):
        self.client.setblocking(False)
        self.client.connect_ex((address, port))
        self.client.settimeout(sandbox.DEADLINE)
        self._pass(self._client_queue, "S")
        if self._listener_queue:
            syn_ack = self._listener_queue.expect("SA")
            self._seen("SYN")
            syn_ack.release()
        if self._client_queue:
            ack = self._client_queue.expect("A")
            self._seen("SYN+ACK")
            ack.release()
        try:
            self.server, self.peer = self._listener.accept()
        except TimeoutError:
            raise sandbox.Failure("the handshake's ACK did not come to the server") from None
        self.server.settimeout(sandbox.DEADLINE)
        self._seen("ACK")

    def close(self):
        self.client.shutdown(socket.SHUT_WR)
        self._pass(self._client_queue, "FA")
        self._end_of_file(self.server, "the client's FIN comes to the server")
        if not self._listener_queue:
            _acknowledge_now(self.server)
        self._seen("client's FIN")
        _acknowledge_now(self.server)
        self._pass(self._listener_queue, "A")
        self.server.shutdown(socket.SHUT_WR)
        self._pass(self._listener_queue, "FA")
        self._end_of_file(self.client, "the server's FIN comes to the client")
        if self._client_queue:
            last = self._client_queue.expect("A")
            self._seen("server's ACK and FIN")
            last.release()
        poll = select.poll()
        poll.register(self.server, 0)  # POLLHUP is always reported
        if not poll.poll(sandbox.DEADLINE * 1000):
            raise sandbox.Failure("the last ACK did not come to the server")
        self._seen("last ACK")
        self.client.close()
        self.server.close()

    @staticmethod
    def _end_of_file(connection, what):
        try:
            if connection.recv(1) != b"":
                raise sandbox.Failure(f"data where there is none: {what}")
        except TimeoutError:
            raise sandbox.Failure(f"did not happen within {sandbox.DEADLINE:g} s: {what}") from None


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/blob":
            content = self.server.blob
        else:
            content = (self.client_address[0] + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def handle(self):
        super().handle()
        _acknowledge_now(self.connection)

    def log_message(self, *_):
        pass


def http_server(netns, listener, blob):
    """A context: an HTTP/1.1 server process in `netns`, on a socket that is listening already. It lets the client
    close first. /blob is the 100 MB; everything else answers with the client's address."""

    def serve():
        listener.settimeout(None)
        server = http.server.HTTPServer(listener.getsockname(), _Handler, bind_and_activate=False)
        server.socket.close()
        server.socket = listener
        server.blob = blob
        server.serve_forever()

    return sandbox.forked(netns, serve)


def curl(netns, url, local_port):
    """Fetches with curl; returns (the first bytes, size, sha256)."""
    command = ("curl", "-sS", "--fail", "--noproxy", "*", "--max-time", "60", "--local-port", str(local_port), url)
    process = netns.popen(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    digest, size, first = hashlib.sha256(), 0, b""
    while chunk := os.read(process.stdout.fileno(), 1 << 20):
        digest.update(chunk)
        size += len(chunk)
        first = first or chunk
    complaint = process.stderr.read().decode().strip()
    if process.wait() != 0:
        raise sandbox.Failure(f"curl {url} in {netns.name}: exit {process.returncode} after {size} bytes: {complaint}")
    return first[:64], size, digest.hexdigest()


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


class Ping:
    """ICMP echo with a chosen id, 56 bytes of data."""

    def __init__(self, netns):
        self._name = netns.name
        self._socket = netns.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)

    def send(self, address, number):
        payload = bytes(range(56))
        header = struct.pack("!BBHHH", 8, 0, 0, number, 1)
        header = struct.pack("!BBHHH", 8, 0, _checksum(header + payload), number, 1)
        self._socket.sendto(header + payload, (address, 0))

    def expect_reply(self, address, number):
        while True:
            sandbox.wait_readable(self._socket, f"{address} answers the ping of {self._name}")
            packet, (source, _) = self._socket.recvfrom(65536)
            icmp = packet[(packet[0] & 15) * 4 :]
            kind, _, _, identifier, _ = struct.unpack_from("!BBHHH", icmp)
            if kind != 8 and identifier != number:
                raise sandbox.Failure(f"{self._name} got an ICMP type {kind} id {identifier} that nobody waits for")
            if kind == 0:
                if source != address or icmp[8:] != bytes(range(56)):
                    raise sandbox.Failure(f"{self._name} got an echo reply from {source} that is not its own")
                return

    def close(self):
        self._socket.close()


def refused(netns, address, port, local_port):
    """Connects to a closed port; the RST must come."""
    with netns.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.bind(("0.0.0.0", local_port))
        client.settimeout(sandbox.DEADLINE)
        try:
            client.connect((address, port))
        except ConnectionRefusedError:
            return
        except TimeoutError:
            raise sandbox.Failure(f"no RST from {address}:{port}") from None
        raise sandbox.Failure(f"{address}:{port} accepted a connection")


def udp_refused(netns, local_port, address, port):
    """A datagram to a closed port; the ICMP error must find its way back to the socket."""
    with netns.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("0.0.0.0", local_port))
        client.connect((address, port))
        client.settimeout(sandbox.DEADLINE)
        client.send(b"question")
        try:
            client.recv(1)
        except ConnectionRefusedError:
            return
        except TimeoutError:
            pass
        raise sandbox.Failure(f"no port unreachable from {address}:{port}")


def udp_echo(client_ns, local_port, server_ns, address, port):
    """One datagram there and one back; returns the peer the server saw."""
    with server_ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, client_ns.socket(
        socket.AF_INET, socket.SOCK_DGRAM
    ) as client:
        server.bind((address, port))
        client.bind(("0.0.0.0", local_port))
        client.sendto(b"question", (address, port))
        sandbox.wait_readable(server, "the datagram comes to the server")
        data, peer = server.recvfrom(100)
        server.sendto(b"answer", peer)
        sandbox.wait_readable(client, "the answer comes back")
        answer, source = client.recvfrom(100)
        if data != b"question" or answer != b"answer" or source != (address, port):
            raise sandbox.Failure(f"wrong datagrams: {data!r}, {answer!r} from {source}")
        return peer


class Syn:
    """One SYN from a raw socket, to be sent as often as wanted, each time the same: nobody answers its answer."""

    def __init__(self, netns, source, local_port, address, port):
        self._socket = netns.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        self._address = address
        header = struct.pack("!HHIIBBHHH", local_port, port, 1000, 0, 5 << 4, 2, 64240, 0, 0)
        pseudo = socket.inet_aton(source) + socket.inet_aton(address) + struct.pack("!HH", socket.IPPROTO_TCP, 20)
        self._segment = header[:16] + struct.pack("!H", _checksum(pseudo + header)) + header[18:]

    def send(self):
        self._socket.sendto(self._segment, (self._address, 0))

    def close(self):
        self._socket.close()


class Talker:
    """A program that talks over the network what it is told on stdin, and prints what it hears."""

    def __init__(self, netns, *command):
        self._process = netns.popen(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._name = command[0]
        self._heard = b""

    def fall_asleep(self):
        """From now on the program does nothing; the kernel acknowledges for it."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)

    def wake(self):
        self._process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def asleep(self):
        self.fall_asleep()
        try:
            yield
        finally:
            self.wake()

    def say(self, text):
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def hear(self, text):
        """Reads until `text` has come."""
        while text not in self._heard:
            sandbox.wait_readable(self._process.stdout, f"{self._name} prints {text!r}")
            chunk = os.read(self._process.stdout.fileno(), 65536)
            if not chunk:
                raise sandbox.Failure(f"{self._name} ended without {text!r}; it printed {self._heard!r}")
            self._heard += chunk

    def finish(self):
        """Ends its input."""
        self._process.stdin.close()

    def wait(self):
        try:
            status = self._process.wait(sandbox.DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise sandbox.Failure(f"{self._name} does not end") from None
        self._process.stdout.close()
        if status != 0:
            raise sandbox.Failure(f"{self._name}: exit {status}")


def wait_for_listener(netns, port):
    """Until some program of the namespace listens on a TCP port."""
    wanted = f":{port:04X}"

    def listens():
        rows = [row.split() for row in netns.read("/proc/net/tcp").splitlines()[1:]]
        return any(row[1].endswith(wanted) and row[3] == "0A" for row in rows)

    sandbox.wait_until(listens, f"a program listens on port {port}")
