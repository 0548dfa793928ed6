// What rules and policies each packet met, from nf_tables' trace. stands for: xtables-monitor --trace
//
// The rules are those of a RuleLoader into nf_tables: its own TRACE rules, the first any packet meets, mark where a
// packet's way begins.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/netns/netlink_socket.h"
#include "tools/netns/rule_loader.h"

namespace nf::netns {

class RuleTrace {
 public:
  // In the namespace entered last.
  static Result<RuleTrace> open();
  // Learns the numbers of the rules; to be called after each load.
  Status learn(const RuleLoader& rules);
  // Takes what has come off the socket, so that it cannot overflow.
  Status receive();
  // The paths since the last call, by packet: "nat:DOCKER:rule:2", "filter:INPUT:policy".
  std::vector<std::vector<std::string>> take();

 private:
  struct Rule {
    std::string step;  // empty: not to be told
    bool begins = false;
  };
  RuleTrace(NetlinkSocket ask, NetlinkSocket events) : ask_(std::move(ask)), events_(std::move(events)) {}
  void add(const nlmsghdr& message);
  size_t path_of(uint32_t id, bool begins, const Attribute& in, const Attribute& out);

  struct Path {
    std::vector<std::string> steps;
    uint32_t id = 0;
    bool open = true;          // the packet may still be on its way, known by `id`
    uint32_t in_ifindex = 0;   // that it came by
    uint32_t out_ifindex = 0;  // that it was last seen to leave by
  };
  NetlinkSocket ask_, events_;
  std::map<std::string, Rule> rules_;  // by table, chain and handle
  bool skip_raw_ = false;              // the raw table is not the lab's
  std::vector<Path> paths_;
};

}  // namespace nf::netns
