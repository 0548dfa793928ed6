// The rules, policies and ends of chains that packets met, told by the engine's stories and by the kernel's TRACE, in
// one form and order: the kernel's. A rule comes before what its target makes the host send.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/difftest/compare.h"
#include "tools/netns/trace_reader.h"
#include "tools/trace/story.h"

namespace nf::difftest {

struct MetRule {
  HookPoint hook{};
  std::string in, out;  // devices; "-": none
  std::string place;    // trace::Step::place()
  bool operator==(const MetRule&) const = default;
};

// Appends what is told in a story; stories in their order.
void add_met(const trace::Story& story, std::vector<MetRule>& out);
std::vector<MetRule> met_rules(const std::vector<netns::TraceLine>& lines);

// All of both, a rule a line ("FORWARD lan wan filter:FORWARD:rule:2"), when they differ in anything.
std::optional<Difference> compare_met(const std::vector<MetRule>& kernel, const std::vector<MetRule>& engine);

}  // namespace nf::difftest
