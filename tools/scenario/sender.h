// Packets on a backend's wires: what a spec leaves out is filled in, as scenarios have it (link addresses, TCP numbers,
// IP ids), and the stations around the machine answer its ARP.
//
// Owns what it knows of conversations and stations; the backend belongs to the caller and is configured.
// Errors have a text only; the caller knows file and line.
#pragma once

#include <functional>
#include <vector>

#include "tools/backend/backend.h"
#include "tools/scenario/conversation.h"
#include "tools/scenario/packet_spec.h"
#include "tools/scenario/surroundings.h"

namespace nf::scenario {

class Sender {
 public:
  explicit Sender(Backend& backend) : backend_(backend), surroundings_(backend.ports()) {}

  // What the machine's addresses, bridges and link addresses are, or became.
  void apply(const std::vector<lab::NetworkLine>& lines) { surroundings_.apply(lines); }

  // A frame in by `port`, or a packet of a local process (kLocalProcesses). Variables in it must have values. False:
  // the machine refused to send it.
  Result<bool> send(int port, PacketSpec packet, const Variables& variables = {});
  // Appends what came out since the last call, by port. With `answer_arp` ARP is not among it: a station answers, and
  // what the answer causes is gathered too.
  Status gather(std::vector<Emitted>& out, bool answer_arp);
  // Called around a station's ARP answer going in, with true and then false.
  std::function<void(bool)> on_arp_answer;

 private:
  Status resolve(PacketSpec& packet, const Variables& variables) const;
  void link_addresses(PacketSpec& packet, int port);

  Backend& backend_;
  Surroundings surroundings_;
  Conversations conversations_;
  uint32_t next_id_ = 1;
};

}  // namespace nf::scenario
