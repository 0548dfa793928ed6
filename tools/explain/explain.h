// `hookpoint explain LAB ...`: packets through a lab, and of each every decision and why. No root.
//
//   PACKET...            as in scenarios, with where it comes from: "ens33: tcp A:1 > B:80 S", "host: udp ..."; in
//   order
//   --connect PACKET     a whole conversation with built-in ends (ends.h)
//   --in IF=FILE ...     captures, in capture time (tools/replay/capture_player.h)
// Over any of them --why-not RULE asks why a rule's counter does not move (why_not.h); then that is told, and the
// packets only when asked for. --conntrack FILE is what stands in the table before (conntrack_text.h).
//
// Packets are numbered as they come; of captures by their place in the order of time, whether told or not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/forms/form.h"

namespace nf::explain {

struct Options {
  std::string lab;
  std::vector<std::string> packets;
  std::string connect;
  std::vector<std::pair<std::string, std::string>> inputs;  // interface, file
  std::string filter;                                       // of captures: who is told
  uint64_t packet = 0;                                      // the only one told; 0: all
  std::string conntrack;                                    // file
  std::string why_not;

  std::string form = "text", out;  // out empty or "-": standard output
  forms::FormOptions form_options;
  bool tell = true;  // packets, with --why-not
  uint64_t seed = 1;
};

// Returns the exit code; errors were printed to stderr.
int explain(const Options& options);

}  // namespace nf::explain
