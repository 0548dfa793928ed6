// Steps as frames. Remembers of each flow what its ends last received, and so knows the addresses and ports an end
// has to use: a packet's own id says which step it came from, whatever was translated in it.
//
// Invariants:
//  1. A client always speaks from and to the addresses of its flow (one that dials what was announced to it: to those
//  it
//     was told, and acknowledges what it was told); a server from where it was reached to who reached
//     it. A server nothing has reached cannot speak, nor can an end complain (ICMP error) about nothing.
//  2. frame() of the same step after the same received() is the same frame.
//  3. Every sum is right unless the step's damage is that sum. What a raw socket would set or refuse (header sum,
//     lengths, version) is not damaged in packets of local processes.
//  4. Bytes received are never trusted: any of them may be cut anywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tools/backend/backend.h"
#include "tools/backend/station.h"
#include "tools/difftest/case/case.h"

namespace nf::difftest {

class Wire {
 public:
  // `ports`: the machine's. The case and the ports outlive the Wire.
  Wire(const Case& c, const std::vector<BackendPort>& ports);

  struct Frame {
    int port;  // kLocalProcesses: an IPv4 packet of a local process
    std::vector<uint8_t> bytes;
  };
  // The frame of a step; nullopt when the step cannot be played: its end has received nothing yet to answer to, or
  // its port is not there.
  std::optional<Frame> frame(const Step& step) const;
  // What came out because of a step; packets of earlier steps among it (ARP let them go) are known too.
  void received(const Step& step, std::span<const Emitted> emitted);
  // The frame with which the stations answer `emitted`, if that is an ARP request. A station answers on its own port;
  // any other address exists behind the port it is asked for on, of a bridge's ports behind the first (ARP is not
  // part of a case).
  std::optional<Frame> arp_reply(const Emitted& emitted) const;

 private:
  struct View {  // what an end sees of a flow
    bool known = false;
    int port = kLocalProcesses;
    MacAddress own_mac{}, peer_mac{};
    Be32 own, peer;
    uint16_t own_port = 0, peer_port = 0;   // ICMP: the id is own_port at the server, peer_port at the client
    std::vector<uint8_t> last, last_error;  // the packet and the ICMP error last received, at their IPv4 header
    // TCP: how far what it was told is from what the other said, behind the last changed segment and before it.
    uint32_t changed_at = 0;
    int32_t shift = 0, shift_before = 0;

    uint32_t as_received(uint32_t ack) const {
      return ack + static_cast<uint32_t>(static_cast<int32_t>(ack - changed_at) > 0 ? shift : shift_before);
    }
  };
  // Appends the IP payload of a step, sums set.
  void append_transport(const Step& step, const View& view, std::vector<uint8_t>& out) const;
  bool append_error(const Step& step, const View& view, std::vector<uint8_t>& out) const;
  void learn(const Step& step, const Emitted& emitted);
  // What `end` was told by a packet, whose IP payload is `transport`.
  void hear(const Step& sent, View& end, std::span<const uint8_t> transport);
  const Step* sender_of(uint16_t id, const Step& current) const;
  int port_named(const std::string& name) const;
  const Station* station_at(Be32 address) const;
  bool flooded_to(int port, int home) const;
  void answer_for_group(View& end) const;
  MacAddress client_peer_mac(const Flow& flow, int port) const;

  const Case& case_;
  const std::vector<BackendPort>& ports_;
  std::vector<int> bridge_of_;         // by port: a number of the bridge it is in, -1: none
  std::vector<int> station_port_;      // by station
  std::vector<View> client_, server_;  // by flow
  std::vector<uint32_t> step_of_id_;   // index + 1 of the first step with an id; 0: none
};

}  // namespace nf::difftest
