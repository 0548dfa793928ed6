// The kernel's connection tracking, asked and listened to. stands for: conntrack -L, -G, -E, -S, -F
#pragma once

#include <linux/netfilter/nfnetlink_conntrack.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/netns/ct_message.h"

namespace nf::netns {

class Ctnetlink {
 public:
  // In the namespace entered last. `listen`: events are gathered from now on (with nf_conntrack_events at 2, listening
  // is what makes the kernel gather them: for connections made from now on).
  static Result<Ctnetlink> open(bool listen);

  Result<std::vector<std::string>> entries();       // lines of `conntrack -L`
  Result<std::vector<std::string>> expectations();  // lines of `conntrack -L expect`
  // Lines of `conntrack -E` since the last call, without who asked for an end ("[USERSPACE] portid=...").
  Result<std::vector<std::string>> take_events();
  // Takes what has come off the socket, so that it cannot overflow; take_events() has it.
  Status receive_events();
  // Of the entry that has this tuple, in either direction: the other one's tuples both. nullopt: there is none.
  Result<std::optional<ct::Connection>> find(const ct::Tuple& tuple);
  // As a line of `conntrack -L`, when `original` is its original tuple; empty: there is none.
  Result<std::string> entry(const ct::Tuple& original);
  // nf_conntrack_count: entries, and connections not in the table yet.
  Result<uint32_t> count();
  Result<ct::Stats> statistics();  // summed over cpus
  Status flush();

 private:
  Ctnetlink(NetlinkSocket ask, std::optional<NetlinkSocket> events)
      : ask_(std::move(ask)), events_(std::move(events)) {}

  NetlinkSocket ask_;
  std::optional<NetlinkSocket> events_;
  std::vector<std::string> lines_;
  CtMessage message_;
};

}  // namespace nf::netns
