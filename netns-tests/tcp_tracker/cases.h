// Which segments meet which connections: every way of bringing a connection into each state of the tracker that leaves
// something else behind (who closed, what was let through, what was picked up), times both directions, all 64
// combinations of the six old flags, and where sequence and acknowledgment number lie.
//
// A combination the tracker knows no segment by is refused before its numbers are looked at, so it comes with few of
// them; so do twins that only PSH or URG tell apart.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "netns-tests/tcp_tracker/segments.h"

namespace nf::tcp_tracker {

struct Opening {
  const char* name;    // the state it leads to with the first of settings(), and what is special
  const char* script;  // words of segments.h
};
std::span<const Opening> openings();

// What both sides are told, and where both ends' numbers begin.
struct Setting {
  const char* name;
  const char* sysctls;
  uint32_t client_isn, server_isn;
};
std::span<const Setting> settings();

struct Probe {
  bool from_server;
  uint8_t flags;
  uint16_t length;
  Place seq, ack;
  std::string text() const;
};
const std::vector<Probe>& probes();

// What is said behind the probe, to show what it left that no entry shows; as many as there are, in turn.
std::span<const char* const> follow_ups();

}  // namespace nf::tcp_tracker
