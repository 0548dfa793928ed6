// One machine configured by a lab, whoever plays it. Scenarios and the differential speak to this and cannot tell:
//
//   memory_backend    the engine in this process, virtual clock, no root
//   gateway_backend   `hookpoint run` in a network namespace, frames over TAPs, the host's processes behind its TUN
//   kernel_backend    the kernel: a namespace configured from the same lab
//
// The machine's ports are the links its lab names (ports_of); each is a wire whose other end is in our hands: a frame
// written goes in, what comes out is read. Local processes are in our hands too: what they send is given as IP packets,
// what is delivered to them is read, as raw sockets read it: ICMP, TCP and UDP, before the transport looks at it (a
// packet that came over lo may carry an unfinished TCP or UDP sum). What no process takes the host answers as any Linux
// without sockets does.
//
// Invariants:
//  1. When collect() returns, everything the frames given so far caused has happened: nothing is still on its way.
//     (A gateway says so itself; a kernel has done it before the write to its TAP returns.)
//  2. Nothing the backend itself does leaves a trace in counters, connections, events or statistics.
//  3. Ports are numbered by their order in ports().
// Errors are about the backend (a namespace that cannot be made) or bad configuration (with file:line); what a
// machine does to a packet is never an error.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conntrack/conntrack.h"
#include "datapath/base/result.h"
#include "datapath/base/time.h"
#include "datapath/packet/headers.h"
#include "tools/lab/lab.h"

namespace nf {

// A port number of no port: the machine's local processes.
inline constexpr int kLocalProcesses = -1;

// A line of LOG; what else a machine writes to its log ("eth0 ate my IP address") no namespace can read.
inline bool is_log_line(std::string_view line) { return line.find("IN=") != line.npos; }

// What came out: a frame at its Ethernet header, or, for local processes, a packet at its IPv4 header.
struct Emitted {
  int port;
  std::vector<uint8_t> bytes;
};

struct BackendPort {
  std::string name;
  MacAddress mac;  // the link's own
};

// A local process that takes what comes to a port of its host and says nothing: what is delivered is read by
// collect(), no reset or port unreachable answers it.
struct ProcessPort {
  uint8_t protocol;  // 6 or 17
  uint16_t port;     // host order
};

// `iptables -t TABLE -L CHAIN NUMBER`; number 0: the chain's policy (no user chain has one).
struct RuleCounter {
  std::string table, chain;
  uint32_t number;
  uint64_t packets, bytes;
  bool operator==(const RuleCounter&) const = default;
};

// The rules a packet matched and the policies it reached, in order: "nat:DOCKER:rule:2", "filter:INPUT:policy". The
// ends of user chains are not told. A packet that goes over lo has one path for both its passes.
using RulePath = std::vector<std::string>;

// What is told of a packet, without its words (tools/words): a step's sentence and those inside it.
struct ToldStep {
  std::string hook;                       // "PREROUTING"; empty: outside the hooks
  std::vector<std::string> keys, values;  // the sentence's, then those of the sentences inside, in their order
};
// One packet that came in or that a local process sent, with what this host made because of it.
struct ToldPacket {
  uint64_t number = 0;  // from 1, over the backend's life
  std::string fate;     // trace::fate_key: "sent", "delivered", "dropped", "waiting", "nothing"
  std::vector<ToldStep> steps;
};

struct BackendConfig {
  const lab::Lab* lab = nullptr;  // caller's, during configure()
  std::vector<ProcessPort> processes;
  bool rule_paths = false;  // take_paths() will be asked
  bool trace = false;       // take_trace() will be asked
  bool told = false;        // take_told() will be asked
  bool events = true;       // take_events() will be asked
  // saved_rules() and listed_rules() will be asked; take_paths() and take_log() will not.
  bool rule_texts = false;
  uint64_t seed = 1;  // memory and gateway
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;  // "memory", "gateway", "kernel"

  // Once, first.
  virtual Status configure(const BackendConfig& config) = 0;
  const std::vector<BackendPort>& ports() const { return ports_; }

  // --- packets
  // A frame of any length, good or bad, enters by a port.
  virtual Status inject(int port, std::span<const uint8_t> frame) = 0;
  // A local process sends an IPv4 packet through a raw socket bound to the packet's source (when that is the host's
  // own). Header checksum and total length are set as the kernel sets them (IP_HDRINCL); refused packets
  // (no route, longer than the MTU) are gone: false.
  virtual Result<bool> send_from_host(std::span<const uint8_t> packet) = 0;
  // Appends everything that came out since the last call: in order for each port, for local processes for each
  // protocol.
  virtual Status collect(std::vector<Emitted>& out) = 0;

  // --- time: nanoseconds since the Unix epoch
  virtual Time now() = 0;
  // Lets time pass; what falls due meanwhile happens.
  virtual Status wait_until(Time t) = 0;

  // --- what is to be seen, in the forms the tools print (formats: conntrack/text/format.h)
  virtual Result<std::vector<RuleCounter>> counters() = 0;  // in no order
  // Lines of `conntrack -L`, in no order; memory and kernel add the numbers of labels (FormatOptions::label_numbers).
  virtual Result<std::vector<std::string>> entries() = 0;
  // The same, asked for by original tuples of which it is believed that they are all there are: cheap where a dump is
  // not (the kernel's goes through its whole hash table), and all the entries when that belief is wrong.
  virtual Result<std::vector<std::string>> entries_like(const std::vector<ct::Tuple>&) { return entries(); }
  virtual Result<std::vector<std::string>> expectations() = 0;  // lines of `conntrack -L expect`, in no order
  virtual Result<std::vector<std::string>> take_events() = 0;   // lines of `conntrack -E` since the last call, in order
  virtual Result<std::vector<std::string>> take_log() = 0;      // lines of LOG, in order; is_log_line()
  virtual Result<ct::Stats> statistics() = 0;                   // summed over cpus
  // What the rules did to packets since the last call: one path a packet, in order of their first rule.
  virtual Result<std::vector<RulePath>> take_paths() = 0;
  // `iptables-save [-c]`, comment lines or not.
  virtual Result<std::string> saved_rules(bool counters) = 0;
  // `iptables -t TABLE -L CHAIN -n -v`
  virtual Result<std::string> listed_rules(const std::string& table, const std::string& chain) = 0;
  // Why the packets since the last call went where they went, for people; empty when the backend cannot say.
  virtual std::string take_trace() { return {}; }
  // Whether it can say why at all: a kernel cannot.
  virtual bool tells() const { return false; }
  // The same for programs: what was told of the packets since the last call, in their order, misses included.
  virtual Result<std::vector<ToldPacket>> take_told() { return std::vector<ToldPacket>{}; }

  // --- changes while it runs. Unsupported ones say so, with ExitCode::kNotModelled.
  virtual Status apply_network(const std::vector<lab::NetworkLine>& lines, const std::string& file) = 0;
  virtual Status apply_sysctl(const std::vector<lab::SysctlSetting>& settings, const std::string& file) = 0;
  // iptables-restore -c; counters may be left out.
  virtual Status apply_rules(const std::string& text, const std::string& file) = 0;
  virtual Status flush_conntrack() = 0;  // conntrack -F

 protected:
  std::vector<BackendPort> ports_;
};

std::unique_ptr<Backend> make_memory_backend();
std::unique_ptr<Backend> make_kernel_backend();
// `program`: the hookpoint binary.
std::unique_ptr<Backend> make_gateway_backend(const std::string& program);

// Links a lab names and does not make a bridge of: each becomes a port. In the order they are first named, with the
// addresses the lab gives them, or 02:ff:00:00:00:NN with NN counting from 1.
std::vector<BackendPort> ports_of(const lab::Lab& lab);

}  // namespace nf
