// What rules and policies packets met, from the legacy tables' own trace, in the order the kernel says it.
// stands for: iptables -t raw -j TRACE, with dmesg
//
// The lines come through nfnetlink_log, which this namespace is told to log with; the packets traced are those that the
// rules of a RuleLoader which traces mark. A rule is told before its target runs: what that makes the host send
// follows. The kernel calls a rule for every packet that accepts, drops or returns a policy or a return; here it is a
// rule.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "datapath/trace/event.h"
#include "tools/netns/netlink_socket.h"
#include "tools/netns/rule_loader.h"

namespace nf::netns {

struct TraceLine {
  HookPoint hook{};
  std::string in, out;                 // devices; empty: none
  uint32_t port_in = 0, port_out = 0;  // of a bridge, their ifindexes; 0: none
  std::string place;                   // "filter:FORWARD:rule:2", "filter:FOO:return:4", "filter:INPUT:policy:3"
  // A packet begins at PREROUTING or OUTPUT, or comes back over lo. Such a line tells no rule: `place` is empty.
  bool begins = false;
  // Id and protocol of the IPv4 header: nothing on a packet's way changes them.
  uint32_t mark = 0;
};

class TraceReader {
 public:
  // In the namespace entered last. To be called before rules are loaded: TRACE wants somebody who logs.
  static Result<TraceReader> open();
  // Learns the namespace's devices and the sizes of its chains; to be called in it after each change of either.
  Status learn(const RuleLoader& rules);
  // Takes what has come off the socket, so that it cannot overflow.
  Status receive();
  // The lines since the last call.
  std::vector<TraceLine> take() { return std::exchange(lines_, {}); }

 private:
  explicit TraceReader(NetlinkSocket socket) : socket_(std::move(socket)) {}
  void add(const nlmsghdr& message);

  NetlinkSocket socket_;
  std::map<uint32_t, std::string> devices_;                // by ifindex
  std::map<std::string, uint32_t, std::less<>> rules_of_;  // how many, by "table:chain"; the lab's
  int own_rules_ = 0;                                      // RuleLoader::own_rules
  std::vector<TraceLine> lines_;
};

}  // namespace nf::netns
