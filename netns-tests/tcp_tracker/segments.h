// TCP segments of one connection between a client and a server, written as short words, so that a table of openings can
// be read.
//
//   c.SA+10,s-1,a@,w0,o     from the client (s: the server), flags of FSRPAU, then what is unusual of it
//     +N     N bytes of data
//     sN     sequence number: N away from what the sender would send next (s+5, s-5), s@: what the segment before
//            acknowledged, s0: zero
//     aN     acknowledgment: N away from what the other side would send next, a@: the end of the segment before, a0:
//     zero wN     window o      options of a SYN: window scale 7, SACK permitted
//
// A segment with an unusual sequence number does not move what its sender sends next.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "datapath/packet/headers.h"

namespace nf::tcp_tracker {

inline constexpr uint16_t kWindow = 5000;

struct Segment {
  bool from_server = false;
  uint8_t flags = 0;  // kTcpSyn, ...
  uint32_t seq = 0, ack = 0;
  uint16_t window = kWindow, length = 0;
  bool options = false;
  uint32_t end() const { return seq + length + ((flags & kTcpSyn) != 0 ? 1 : 0) + ((flags & kTcpFin) != 0 ? 1 : 0); }
};

// A displaced number. kUsual, kZero and kOfLast take no distance.
struct Place {
  enum Kind : uint8_t { kUsual, kDistance, kZero, kOfLast } kind = kUsual;
  int32_t distance = 0;
};

// What both ends would send next.
class Ends {
 public:
  Ends(uint32_t client, uint32_t server) : next_{client, server} {}
  // Fills in the numbers of a segment; what it changes is remembered.
  void say(Segment& segment, Place seq, Place ack);
  // By its word; words are this program's own, so a bad one ends it.
  Segment say(std::string_view word);

 private:
  uint32_t next_[2];
  uint32_t last_ack_ = 0, last_end_ = 0;
};

// The words of a script.
std::vector<std::string_view> words(std::string_view script);

// The IPv4 packet of a segment, sums included.
std::vector<uint8_t> packet_of(const Segment& segment, Be32 client, uint16_t client_port, Be32 server,
                               uint16_t server_port);

}  // namespace nf::tcp_tracker
