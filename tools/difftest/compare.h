// Whether the kernel and the engine showed the same. What is compared, and what cannot be equal and why:
//
//   frames      byte for byte and in order for each port; what is delivered, for each protocol. Excused: the IP id of
//               what a host itself answers with ("ip-id"), also where an ICMP error quotes it, as long as the sums fit
//   lines       of events and entries: word for word; seconds left may be one more or one less (jiffies), the
//               reference count of an entry (use=) is nobody's business
//   counters    exactly
//   statistics  exactly, but for search_restart, which counts races
// Excuses are counted in an Excuses by their key in netns-tests/known_differences.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conntrack/conntrack.h"
#include "tools/backend/backend.h"

namespace nf::difftest {

using Excuses = std::map<std::string, uint64_t, std::less<>>;

// What differs, as text: the kernel's first.
using Difference = std::pair<std::string, std::string>;

// `cause`: the frame or packet that went in, at its IPv4 header (empty: none), because of which all this came out.
// Both sides are sorted by port.
bool same_emitted(std::vector<Emitted>& kernel, std::vector<Emitted>& engine, std::span<const uint8_t> cause,
                  Excuses& excuses);
// Two IPv4 packets.
bool same_packet(std::span<const uint8_t> kernel, std::span<const uint8_t> engine, std::span<const uint8_t> cause,
                 Excuses& excuses);

bool same_line(std::string_view kernel, std::string_view engine);
// In order.
std::optional<Difference> compare_events(const std::vector<std::string>& kernel,
                                         const std::vector<std::string>& engine);
// In any order; what only one side has is told. The same for counters.
std::optional<Difference> compare_entries(std::vector<std::string> kernel, std::vector<std::string> engine);
std::optional<Difference> compare_counters(std::vector<RuleCounter> kernel, std::vector<RuleCounter> engine);
std::optional<Difference> compare_statistics(const ct::Stats& kernel, const ct::Stats& engine);

// The IPv4 packet of an Ethernet frame; empty when it is none.
std::span<const uint8_t> ip_of_frame(std::span<const uint8_t> frame);

}  // namespace nf::difftest
