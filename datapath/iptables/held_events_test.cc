#include "datapath/iptables/held_events.h"

#include <gtest/gtest.h>

#include "datapath/iptables/test_packets.h"

namespace nf::ipt {
namespace {

class Kept final : public trace::Sink {
 public:
  std::vector<std::string> told;
  bool detailed() const override { return true; }
  void event(const Packet&, const trace::Event& e) override {
    if (const auto* n = std::get_if<trace::NatSetUp>(&e))
      told.push_back("nat " + std::string(n->range) + " " + (n->choice != nullptr ? n->choice->key : "-"));
    if (const auto* r = std::get_if<trace::Routed>(&e))
      told.push_back("route " + std::string(r->rule) + ", " + std::string(r->route));
    if (const auto* c = std::get_if<trace::ConntrackSeen>(&e))
      told.push_back("ct " + std::string(c->before) + " " + std::string(c->after) + " " + c->invalid->values[0]);
    if (std::holds_alternative<trace::Delivered>(e)) told.push_back("delivered");
  }
};

// What an event points to is good only while it is told.
TEST(HeldEvents, KeepWhatEventsBorrow) {
  FakeStack stack;
  const PacketPtr p = make_packet(stack.pool_, {});
  Kept kept;
  HeldEvents held(kept);
  EXPECT_TRUE(held.detailed());
  std::string text = "172.17.0.2:80-172.17.0.9:90";
  Said said{"choice.key", {"a value too long to stand in the string itself"}, {}};
  trace::NatSetUp nat{};
  nat.range = text;
  nat.choice = &said;
  held.event(*p, nat);
  text.assign(text.size(), 'x');
  said = {"other.key", {"another"}, {}};
  held.event(*p, trace::NatSetUp{});
  std::string rule = "32766: from all lookup main", route = "172.17.0.0/16 dev docker0";
  trace::Routed routed{};
  routed.rule = rule;
  routed.route = route;
  held.event(*p, routed);
  rule.assign(rule.size(), 'x');
  route.assign(route.size(), 'x');
  trace::ConntrackSeen seen;
  seen.before = "SYN_SENT";
  seen.after = "ESTABLISHED";
  seen.invalid = &said;
  held.event(*p, seen);
  said = {};
  held.event(*p, trace::Delivered{});
  EXPECT_EQ(kept.told, std::vector<std::string>{});
  held.release(*p);
  EXPECT_EQ(kept.told, (std::vector<std::string>{
                           "nat 172.17.0.2:80-172.17.0.9:90 choice.key",
                           "nat  -",
                           "route 32766: from all lookup main, 172.17.0.0/16 dev docker0",
                           "ct SYN_SENT ESTABLISHED another",
                           "delivered",
                       }));
}

}  // namespace
}  // namespace nf::ipt
