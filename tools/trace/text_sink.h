// A trace as text for people: a block per packet, a line per decision, in the order things happened.
//
//   packet 1 ens33 tcp 192.168.66.1:39002 > 192.168.66.100:80 SYN length 60
//     PREROUTING in=ens33 out=-: tcp 192.168.66.1:39002 > 192.168.66.100:80 SYN length 60
//       conntrack: NEW, new entry ..., SYN_SENT
//       nat:DOCKER:rule:2 DNAT (ACCEPT)
//     ...
//     sent on veth50b382d
//
// At every hook it is said whether the nat chain was run, and if not, why (datapath/trace/nat_skip.h): what the nat
// core does not see itself, a hook without nat and a packet dropped before, is added here. What this host sends because
// of a packet (an ICMP error, a reset) stands inside the packet's block, further in.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "datapath/trace/event.h"

namespace nf {

class TextSink final : public trace::Sink {
 public:
  // `write` gets whole lines, each with its newline.
  explicit TextSink(std::function<void(std::string_view)> write) : write_(std::move(write)) {}
  void event(const Packet& p, const trace::Event& e) override;
  uint64_t packets() const { return packets_; }

 private:
  void line(int depth, const std::string& text);
  // Says why nat had no part in the hook that is left now. `dropped`: the packet ends there.
  void leave_hook(bool dropped);
  void dropped(const trace::Dropped& e);

  std::function<void(std::string_view)> write_;
  uint64_t packets_ = 0;
  const Packet* current_ = nullptr;  // what the block is about
  // About the packet of the event before; `made` is one this host makes meanwhile, about which nothing is kept.
  struct Place {
    bool in_hook = false;   // inside the hook point `hook`
    bool nat_told = false;  // and nat's part there is known
    bool unicast = false;   // routed to another host
    HookPoint hook{};
    std::string last_rule;  // "filter:FORWARD:policy"
    std::string set_up;     // told before the rule that did it; to be printed behind it
  };
  Place place_, outer_;
  const Packet* made_ = nullptr;
};

// "tcp 192.168.66.1:39002 > 192.168.66.100:80 SYN length 60" for a packet at its IPv4 header or at its link header.
std::string describe(const Packet& p);
std::string describe(const trace::Endpoints& e);

}  // namespace nf
