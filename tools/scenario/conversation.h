// The TCP numbers a scenario leaves out. Follows each conversation by what was sent and what came out, so that the
// answer to a translated packet belongs to it.
//
// A conversation has two ends. Any (source, destination) pair seen on either side of the machine names one and the end
// that sends; NAT leaves sequence numbers alone, so both sides count alike.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "tools/scenario/packet_spec.h"

namespace nf::scenario {

class Conversations {
 public:
  // Fills in seq and ack of a TCP packet about to be sent, where they are unset; addresses and ports are plain.
  void fill_in(PacketSpec& spec);
  // The packet as it was sent. What comes out next is compared with it.
  void sent(const PacketSpec& described);
  // What came out (described), by a port or to a local process.
  void came_out(const PacketSpec& described);

 private:
  struct Pair {
    uint32_t source, destination;
    uint16_t source_port, destination_port;
    auto operator<=>(const Pair&) const = default;
  };
  struct Way {  // a conversation and who sends
    size_t conversation;
    int end;
  };
  struct Conversation {
    uint32_t next[2];      // the number after the last one an end sent
    uint32_t received[2];  // what an end has received of the other's
  };
  static Pair pair_of(const PacketSpec& s);
  static Pair turned(const Pair& p) { return {p.destination, p.source, p.destination_port, p.source_port}; }
  // Numbers used up by a packet.
  static uint32_t weight(const PacketSpec& s);
  Way find_or_begin(const Pair& pair);
  void name(const Pair& pair, Way way);

  std::vector<Conversation> all_;
  std::map<Pair, Way> ways_;
  PacketSpec last_sent_;
  Way last_way_{0, 0};
  bool last_is_tcp_ = false;
};

}  // namespace nf::scenario
