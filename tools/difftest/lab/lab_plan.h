// What the parts of the lab generator tell each other while a lab comes to be. Internal to tools/difftest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "datapath/base/text.h"
#include "tools/difftest/case/case.h"
#include "tools/difftest/case/dice.h"

namespace nf::difftest {

// A layer-3 link: a port of its own, or the bridge.
struct PlannedLink {
  std::string device;
  std::vector<std::string> wires;  // its ports: itself, or the bridge's
  std::vector<Be32> own;           // the first is the primary one
  Prefix4 subnet;
  std::vector<Be32> pool;      // addresses of the subnet that nobody has
  std::vector<Be32> gateways;  // stations that routes lead to
};

struct LabPlan {
  GeneratedLab lab;
  std::vector<std::string> ports;
  std::string bridge;  // empty: none
  std::vector<PlannedLink> links;
  std::vector<Prefix4> networks;  // subnets and routed networks: worth a rule

  // Also as service, when it is not there already.
  void serve(Be32 address);
  void serve_port(uint16_t port);
};

std::string prefix_text(const Prefix4& prefix);  // "10.0.0.0/24"

void plan_network(Dice& dice, LabPlan& plan);
void plan_sysctls(Dice& dice, LabPlan& plan);  // after the network
void plan_timeouts(Dice& dice, LabPlan& plan);
void plan_rules(Dice& dice, LabPlan& plan);  // after the network and the timeouts

// The policy a rule with this -p may name; empty: none.
std::string_view timeout_policy_for(const LabPlan& plan, std::string_view protocol);

}  // namespace nf::difftest
