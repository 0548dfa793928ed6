#include "tools/shrink/kernel_script.h"

#include "datapath/base/text.h"
#include "tools/trace/describe.h"

namespace nf::shrink {
namespace {

constexpr char kHead[] = R"sh(# Needs root of a network namespace, python3, iptables, conntrack and nothing else:
#   unshare -Urnm sh kernel.sh
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export XTABLES_LOCKFILE="$folder/lock"
)sh";

// Links are TAPs held open by the script; a frame written to one has been dealt with when the write returns. The hosts
// around the machine exist as far as it asks for them: ARP is answered with 02:00 and the address.
constexpr char kPython[] = R"py(
def run(*words):
    subprocess.run(words, check=True)


def text(packet):
    """The IPv4 packet in a few words."""
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return "%d bytes" % len(packet)
    protocol, header = packet[9], (packet[0] & 15) * 4
    ends = [socket.inet_ntoa(packet[i : i + 4]) for i in (12, 16)]
    if protocol in (6, 17) and len(packet) >= header + 4:
        ends = ["%s:%d" % end for end in zip(ends, struct.unpack("!HH", packet[header : header + 4]))]
    words = "%s %s > %s" % ({1: "icmp", 6: "tcp", 17: "udp"}.get(protocol, "proto-%d" % protocol), *ends)
    if protocol == 6 and len(packet) >= header + 14:
        words += " " + "".join(name for bit, name in enumerate("FSRPAUEW") if packet[header + 13] >> bit & 1)
    if protocol == 1 and len(packet) >= header + 2:
        words += " type %d code %d" % tuple(packet[header : header + 2])
    return words + " ttl %d" % packet[8]


def make_tap(name, address):
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x1002))  # TUNSETIFF, IFF_TAP | IFF_NO_PI
    run("ip", "link", "set", "dev", name, "address", address)
    return tap


def settle(name):
    """Asks for the carrier, so that the kernel takes note of it now (ETHTOOL_GLINK)."""
    link = array.array("I", [0x0A, 0])
    try:
        fcntl.ioctl(control, 0x8946, struct.pack("16sP16x", name.encode(), link.buffer_info()[0]))
    except OSError:
        pass


def read_all(fd):
    frames = []
    while True:
        try:
            frames.append(os.read(fd, 65600))
        except OSError:
            return frames


def arp_reply(frame):
    if frame[12:14] != b"\x08\x06" or frame[20:22] != b"\0\1" or frame[28:32] == frame[38:42]:
        return None
    mac = b"\2\0" + frame[38:42]
    return frame[6:12] + mac + frame[12:20] + b"\0\2" + mac + frame[38:42] + frame[22:32]


def show():
    answered = True
    while answered:
        answered = False
        for name, tap in taps.items():
            for frame in read_all(tap):
                reply = arp_reply(frame)
                if reply:
                    os.write(tap, reply)
                    answered = True
                elif frame[12:14] != b"\x08\x06":
                    print("out", name, frame.hex(), text(frame[14:]))
    for local in locals_:
        for packet in read_all(local.fileno()):
            print("deliver", packet.hex(), text(packet))


for where in ("all", "default"):
    with open("/proc/sys/net/ipv6/conf/%s/disable_ipv6" % where, "w") as file:
        file.write("1")
control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
taps = {name: make_tap(name, address) for name, address in LINKS}
locals_ = [socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, p) for p in (1, 6, 17)]
run("ip", "link", "set", "dev", "lo", "up")
run("ip", "-batch", "network")
for name in [*taps, *BRIDGES]:
    settle(name)
run("sysctl", "-q", "-p", "sysctl.conf")
run("sh", "timeouts")
run("iptables-legacy-restore", "rules.v4")
show()
for gap, name, data in PACKETS:
    time.sleep(gap)  # the capture's own pause, where it matters
    frame = bytes.fromhex(data)
    print("in", name, data, text(frame[14:]))
    os.write(taps[name], frame)
    show()
sys.stdout.flush()
for words in (["iptables-legacy-save", "-c"], ["conntrack", "-L"]):
    print("#", *words, flush=True)
    subprocess.run(words)
)py";

// What `link add` says of a link that is a TAP here.
std::string link_set(const std::string& name, const lab::LinkSettings& s) {
  std::string words;
  if (s.master) words += s.master->empty() ? " nomaster" : " master " + *s.master;
  if (s.address) words += " address " + trace::format_mac(*s.address);
  if (s.mtu) words += strf(" mtu %u", *s.mtu);
  if (s.arp) words += *s.arp ? " arp on" : " arp off";
  if (s.up) words += *s.up ? " up" : " down";
  return words.empty() ? std::string() : "link set dev " + name + words + '\n';
}

std::string file(const char* name, const std::string& text) {
  return strf("cat >\"$folder/%s\" <<'END'\n", name) + text + "END\n";
}

std::string hex(const std::vector<uint8_t>& bytes) {
  std::string out;
  for (const uint8_t b : bytes) out += strf("%02x", b);
  return out;
}

}  // namespace

Result<std::string> kernel_script(const Candidate& candidate, size_t side, const std::string& about) {
  const LabText text = text_of(candidate.setup, side);
  const Result<lab::Lab> lab = parse(text);
  if (!lab) return lab.error();

  std::string network, bridges, sysctl, timeouts, links, packets;
  for (const lab::NetworkLine& line : lab->network) {
    const auto* add = std::get_if<lab::LinkAdd>(&line.operation);
    if (add != nullptr && add->kind != lab::LinkKind::kBridge) {
      network += link_set(add->name, add->settings);
      if (!add->peer.empty()) network += link_set(add->peer, add->peer_settings);
      continue;
    }
    network += line.text + '\n';
    if (add == nullptr) continue;
    network += "link set dev " + add->name + " type bridge mcast_snooping 0\n";
    bridges += '"' + add->name + "\", ";
  }
  for (const std::string& line : text.sysctl) sysctl += line + '\n';
  for (const std::string& line : text.timeouts) timeouts += line + '\n';
  for (const BackendPort& port : ports_of(*lab))
    links += "    (\"" + port.name + "\", \"" + trace::format_mac(port.mac) + "\"),\n";
  for (const Frame& f : candidate.frames)
    packets += strf("    # packet %llu: ", static_cast<unsigned long long>(f.number)) + trace::describe_frame(f.bytes) +
               strf("\n    (%.3f, \"", static_cast<double>(f.gap / kMillisecond) / 1000.0) + f.link + "\", \"" +
               hex(f.bytes) + "\"),\n";

  std::string out = "#!/bin/sh\n# " + about + '\n' + kHead;
  out += file("network", network) + file("sysctl.conf", sysctl) + file("timeouts", timeouts) +
         file("rules.v4", text.rules);
  out += "cat >\"$folder/play.py\" <<'END'\nimport array, fcntl, os, socket, struct, subprocess, sys, time\n\n";
  out += "LINKS = [\n" + links + "]\nBRIDGES = [" + bridges + "]\n# Seconds to wait, link, frame.\nPACKETS = [\n" +
         packets + "]\n";
  out += std::string("\n") + kPython + "END\ncd \"$folder\"\npython3 play.py\n";
  return out;
}

}  // namespace nf::shrink
