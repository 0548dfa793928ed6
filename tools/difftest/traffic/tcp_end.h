// One end of a TCP conversation as the traffic models it, its segments and their options.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tools/difftest/traffic/traffic_context.h"

namespace nf::difftest {

struct TcpEnd {
  uint32_t first = 0;                     // of its SYN
  uint32_t next = 0;                      // to be sent
  uint32_t unacked = 0;                   // the first byte not acknowledged
  uint32_t received = 0;                  // next expected of the other
  uint32_t hole_begin = 0, hole_end = 0;  // received beyond a hole; equal: nothing
  uint32_t clock = 0;                     // of timestamps
  uint16_t window = 0;                    // as on the wire
  int scale = -1;                         // window scale offered; -1: none
  bool timestamps = false, sack = false;  // offered
  bool syn_sent = false, established = false, fin_sent = false, fin_received = false;
};

struct Segment {
  End from;
  uint8_t flags;
  uint32_t seq, ack;
  uint16_t window, length;
  std::string_view note;
  uint16_t urgent = 0;
  uint8_t options_length = 0;
  std::array<uint8_t, 40> options{};
};

// Options of a SYN; of a SYN-ACK those the peer has offered too.
void put_syn_options(TrafficContext& context, TcpEnd& own, Segment& segment, const TcpEnd* peer);
// Timestamps and SACK, when both have agreed on them.
void put_segment_options(TrafficContext& context, TcpEnd& own, const TcpEnd& peer, Segment& segment);

// What `own` would never say if it were sound: resets and numbers in and out of every window, odd flags, SYN on a
// live connection, ... Appended to the segments on their way.
void put_oddities(TrafficContext& context, const TcpEnd& own, const TcpEnd& peer, End from,
                  std::vector<Segment>& flight);

}  // namespace nf::difftest
