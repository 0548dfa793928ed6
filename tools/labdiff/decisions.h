// What one packet did on one lab, as decisions that can be held against those of another lab.
//
// Invariants:
//  1. Two decisions with one key are the same decision. A rule is known by its text, not by its number: numbers shift
//     when a rule is put in front. Ids of connections and times are in no key.
//  2. What this host makes itself is compared without its IP id (and so without its header sum).
//  3. ARP is left out.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tools/trace/story.h"

namespace nf::labdiff {

// One packet of a capture: its own story first, then those of what else came of it. Empty: it was left out.
using Happened = std::vector<trace::Story>;

struct Decision {
  const trace::Step* step;
  std::string key;
  // It can change what becomes of the packet: not a jump, nor a rule that only looks (LOG, no target), nor what is said
  // about NAT that changes nothing.
  bool weighs;
  bool own;  // of the packet itself, not of what else happened because of it
};
// Whether a step is about a packet that came in, not about one this host made, be it one that waited for its next hop.
bool is_own(const trace::Story& story, const trace::Step& step);
// Of all its stories, in order; points into them.
std::vector<Decision> decisions_of(const Happened& happened);

struct Outcome {
  // Its ends in order, what it made last: "diff.sent" {device}, "diff.delivered", "diff.dropped" [drop.REASON], ...
  std::vector<Said> ends;
  struct Frame {
    std::string device;  // empty: delivered to this host
    std::vector<uint8_t> bytes;
    bool operator==(const Frame&) const = default;
  };
  std::vector<Frame> frames;
  std::vector<std::string> nat;   // halves set up by something, with the tuple expected in reply
  std::vector<std::string> path;  // rules and policies met
};
Outcome outcome_of(const Happened& happened);

// Whether a rule is in a lab: "filter FORWARD -i eth0 -j ACCEPT".
using Rules = std::set<std::string>;
// Of what iptables-save prints.
Rules rules_of(const std::string& saved);
std::string rule_name(const trace::Step& step);

}  // namespace nf::labdiff
