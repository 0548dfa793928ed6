// What a differential run plays: a lab, and what the hosts around it do. Plain data, made from a seed
// (lab_generator, traffic_generator), played on two backends (run.h), made smaller when they disagree (shrink.h),
// written as a scenario (scenario_writer.h).
//
// Steps are symbolic: "the server of flow 3 answers with SYN-ACK". Which addresses and ports that frame has is found
// when it is played (wire.h), from what the flow's packets looked like when they came out of the machine, so that a
// case can lose steps, or meet another choice of a random port, and still be a talk between hosts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/packet/headers.h"
#include "tools/difftest/case/dialects.h"

namespace nf::difftest {

// A machine on one of the wires. Its link address is 02:00 + the four bytes of its address.
struct Station {
  Be32 address;
  std::string port;  // the link of the machine under test it is wired to
  bool on_link;      // false: behind a router on that link (its frames carry `gateway`'s link address)
  Be32 gateway;      // of a station that is not on the link; else zero
};

// The texts that configure both sides, and what the traffic needs to know of them.
struct GeneratedLab {
  std::vector<std::string> network;   // lines of `ip -batch`
  std::vector<std::string> sysctl;    // lines of sysctl.conf
  std::vector<std::string> timeouts;  // lines of `nfct add timeout`
  // Tables as lines of iptables-save, "*nat", ":CHAIN ...", "-A ...", "COMMIT"; a shrinker takes -A lines out.
  std::vector<std::string> rules;
  std::vector<Station> stations;
  std::vector<Be32> own_addresses;      // the machine's, on its devices
  std::vector<Be32> service_addresses;  // what rules translate from or to: worth dialling
  std::vector<uint16_t> service_ports;  // what rules speak of
  std::vector<uint16_t> process_ports;  // TCP and UDP ports with a local process (Backend's ProcessPort)
  // Where a rule lets a helper listen: dialling such a port, one speaks its dialect.
  struct Listening {
    Dialect dialect;
    uint16_t port;
  };
  std::vector<Listening> listening;
};

inline constexpr int kMachine = -1;  // instead of a station: a local process of the machine under test

enum class End : uint8_t { kClient, kServer };

// Two ends. The client dials `server_address`; who really answers is seen when the packet comes out.
struct Flow {
  uint8_t protocol = 0;
  int client = 0;  // index of a station, or kMachine
  Be32 client_address;
  uint16_t client_port = 0;  // ICMP: id
  Be32 server_address;
  uint16_t server_port = 0;  // ICMP: type << 8 | code of the query
  Dialect dialect = Dialect::kNone;
  // Not dialled by `client` but by an end of another flow, to what it was told there: who that is and where to is known
  // when the step of this id has reached it. `client` says whether it may be the machine.
  struct Announced {
    uint32_t flow;
    End dialler;
    uint16_t step_id;
  };
  std::optional<Announced> announced = std::nullopt;
};

enum class StepKind : uint8_t {
  kPacket,     // `from` sends a packet of the flow
  kIcmpError,  // `from` answers the last packet it received of the flow with an ICMP error
  kRaw,        // `bytes` enter as they are
};

// What may be wrong with a packet.
enum class Damage : uint8_t {
  kNone,
  kTransportSum,  // wrong checksum
  kHeaderSum,
  kTotalLength,   // `damage_value` instead of the true one
  kHeaderLength,  // ihl = damage_value
  kVersion,
  kCut,           // only the first damage_value bytes of the IP packet
  kPadded,        // damage_value bytes behind the IP packet
  kTransportCut,  // the IP payload ends after damage_value bytes, and the IP header says so
  kDataOffset,    // TCP: damage_value 0..15 words instead of the true header length
  kUdpLength,     // damage_value instead of the true length (UDP-Lite: coverage)
  kQuoteSum,      // of an ICMP error: the quoted header's sum
  kQuoteCut,      // the quote ends after damage_value bytes
};
inline constexpr size_t kDamages = static_cast<size_t>(Damage::kQuoteCut) + 1;

// The link address a frame is sent to.
enum class LinkDestination : uint8_t {
  kUsual,      // of the machine under test, of a station on the same bridge, of a group for a group's address
  kStranger,   // of somebody else
  kBroadcast,  // ff:ff:ff:ff:ff:ff
};

struct Step {
  StepKind kind = StepKind::kPacket;
  uint32_t flow = 0;
  End from = End::kClient;

  // IP
  LinkDestination link = LinkDestination::kUsual;
  uint8_t ttl = 64, tos = 0;
  uint16_t id = 0;  // unique within the case, never 0: what came out of a step is known by it
  bool df = false, more_fragments = false;
  uint16_t fragment_offset = 0;  // bytes, a multiple of 8
  // Only this part of the datagram's payload is sent: [fragment_offset, fragment_offset + fragment_length);
  // 0: all of it, whatever the offset. The pieces of one datagram share id and everything else.
  uint16_t fragment_length = 0;
  std::vector<uint8_t> ip_options;  // padded to a multiple of 4, at most 40 bytes

  // TCP (sequence numbers as they are on the wire, for this end)
  uint8_t tcp_flags = 0;
  uint32_t seq = 0, ack = 0;
  uint16_t window = 0, urgent = 0;
  std::vector<uint8_t> tcp_options;  // padded to a multiple of 4, at most 40 bytes
  uint32_t vtag = 0;                 // SCTP
  // everything else
  uint16_t payload_length = 0;  // bytes 0, 1, 2, ...
  std::vector<uint8_t> data;    // in front of those
  // Not 0: `data` is text with marks, filled in for who sends it, and so long then (words.h).
  uint16_t words_length = 0;
  bool no_sum = false;         // UDP sum 0
  uint16_t coverage = 0;       // UDP-Lite: bytes the sum covers, 0: all
  uint16_t icmp_sequence = 0;  // echo
  // kIcmpError
  uint8_t icmp_type = 0, icmp_code = 0;
  uint32_t icmp_info = 0;                     // mtu, gateway
  uint16_t quote_length = 28;                 // bytes of the packet quoted
  bool about_error = false;                   // quotes the last ICMP error it received instead
  uint8_t quote_flip_at = 0, quote_flip = 0;  // a byte of the quote is not what was received: xor quote_flip
  std::optional<Be32> error_source;           // a hop on the way, instead of the end itself
  std::optional<Be32> error_destination;

  Damage damage = Damage::kNone;
  uint16_t damage_value = 0;

  // kRaw: a frame for `raw_port`
  std::string raw_port;
  std::vector<uint8_t> bytes;

  std::string_view note;  // a literal, for people: "SYN retransmitted"
};

struct Case {
  uint64_t seed = 0;
  GeneratedLab lab;
  std::vector<Flow> flows;
  std::vector<Step> steps;
};

}  // namespace nf::difftest
