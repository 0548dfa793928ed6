// A whole conversation with built-in ends (--connect): a client that begins it, and a server wherever the packets come
// out, be that a station behind any port or this host itself; it answers whatever reaches it, at the address and port
// it was reached by.
//
//   TCP    SYN, SYN ACK, ACK, request, answer, and both ends close: eight packets
//   UDP    request, answer
//   ping   echo request, echo reply
// Nobody retransmits. The conversation ends early when a packet does not come out, when something else answers it (a
// reset, an ICMP error), or when what reaches the client is no answer to what it asked, which it then resets.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/router/router.h"
#include "tools/backend/backend.h"
#include "tools/scenario/packet_spec.h"
#include "tools/scenario/sender.h"
#include "tools/trace/story.h"

namespace nf::explain {

// "ens33: PACKET" or "host: PACKET".
struct PortPacket {
  int port = kLocalProcesses;
  scenario::PacketSpec packet;
};
Result<PortPacket> parse_port_packet(std::string_view text, const std::vector<BackendPort>& ports);

// What --connect takes: "ens33: tcp A:PORT > B:PORT", udp likewise, "ens33: ping A > B" or an ICMP echo-request.
Result<PortPacket> parse_connect(std::string_view text, const std::vector<BackendPort>& ports);

// A conversation has one server: an error for addresses of many.
Status one_server(const PortPacket& first, const Router& router);

// Every port of TCP and of UDP: a host whose processes take whatever comes.
std::vector<ProcessPort> any_process();

class Conversation {
 public:
  // `settled`: ends the story of the packet just sent and tells it. All outlive this.
  Conversation(const std::vector<BackendPort>& ports, scenario::Sender& sender,
               std::function<const trace::Story&()> settled)
      : ports_(ports), sender_(sender), settled_(std::move(settled)) {}

  // Plays it to its end, which the sentence tells.
  Result<Said> play(const PortPacket& first);

 private:
  // One end as it speaks: where it sits, its own address and port, and the other's as it knows them.
  struct End {
    int port;
    uint32_t own, other;
    uint16_t own_port, other_port;
  };
  struct Arrival {
    int port;
    scenario::PacketSpec packet;
  };
  // Sends; where it came out, if it did. Otherwise `end` says how the conversation ends.
  Result<std::optional<Arrival>> pass(const End& from, scenario::PacketSpec packet, Said& end);
  scenario::PacketSpec addressed(const End& from, const scenario::PacketSpec& packet) const;
  // The echo reply of this host's own stack, which came out with the request.
  std::optional<Arrival> stack_reply() const;
  // Whether an arrival is meant for an end; if not, `end` says so.
  Result<bool> belongs(const End& to, const Arrival& arrival, Said& end);
  std::string port_name(int port) const;

  const std::vector<BackendPort>& ports_;
  scenario::Sender& sender_;
  std::function<const trace::Story&()> settled_;
  uint64_t packets_ = 0;
  std::vector<Arrival> other_;  // what else came out with the last packet sent
};

}  // namespace nf::explain
