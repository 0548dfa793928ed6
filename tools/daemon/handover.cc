#include "tools/daemon/handover.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "conntrack/entry_state.h"
#include "conntrack/expect_state.h"
#include "datapath/base/text.h"
#include "tools/ctnetlink/kernel_conntrack.h"

namespace nf {
namespace {

using ct::EntryState;
using ct::ExpectState;
using ctnetlink::KernelConntrack;

// A connection's name: its original tuple, zones included.
using Name = std::pair<uint64_t, std::pair<uint64_t, uint16_t>>;
Name name_of(const EntryState& s) {
  const ct::Tuple& t = s.tuple[0];
  const uint64_t addresses = uint64_t{t.source.host()} << 32 | t.destination.host();
  const uint64_t ids = uint64_t{t.source_id.host()} << 32 | uint64_t{t.destination_id.host()} << 16 | t.protocol << 8;
  return {addresses, {ids << 8 | t.zone, s.tuple[1].zone}};
}

std::string endpoints(const ct::Tuple& t) {
  return strf("src=%s dst=%s ", format_ipv4(t.source).c_str(), format_ipv4(t.destination).c_str()) +
         strf("id=%u/%u", t.source_id.host(), t.destination_id.host());
}
std::string describe(const EntryState& s) {
  return strf("protocol %u ", s.tuple[0].protocol) + endpoints(s.tuple[0]) + ' ' + endpoints(s.tuple[1]);
}
std::string describe(const ExpectState& e) {
  return strf("expectation, protocol %u ", e.tuple.protocol) + endpoints(e.tuple);
}

// A master before who was expected by it: of those whose master is on the list, the master's place comes first.
void masters_first(std::vector<EntryState>& entries) {
  std::map<Name, size_t> place;
  for (size_t i = 0; i < entries.size(); ++i) place[name_of(entries[i])] = i;
  const auto depth = [&](const EntryState& s) {
    size_t n = 0;
    const EntryState* at = &s;
    while (at->master && n <= entries.size()) {
      EntryState key;
      key.tuple[0] = *at->master;
      // The master's zone is its child's.
      key.tuple[0].zone = at->tuple[0].zone;
      key.tuple[1].zone = at->tuple[1].zone;
      const auto it = place.find(name_of(key));
      ++n;
      if (it == place.end()) break;
      at = &entries[it->second];
    }
    return n;
  };
  std::vector<std::pair<size_t, EntryState>> sorted;
  sorted.reserve(entries.size());
  for (const EntryState& s : entries) sorted.emplace_back(depth(s), s);
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < entries.size(); ++i) entries[i] = std::move(sorted[i].second);
}

// Status bits that must be the same on both sides.
constexpr uint32_t kCompared =
    ct::kSeenReply | ct::kAssured | ct::kNatMask | ct::kFixedTimeout | ct::kExpected | ct::kSeqAdjust | ct::kConfirmed;

// What of `is` does not show in `seen`, in words; empty: nothing.
std::string missing(const EntryState& is, const EntryState& seen) {
  std::string out;
  const auto want = [&](bool same, const char* what) {
    if (!same) out += (out.empty() ? "" : ", ") + std::string(what);
  };
  want(is.tuple[1].same_key(seen.tuple[1]), "the reply tuple");
  want((is.status.value_or(0) & kCompared) == (seen.status.value_or(0) & kCompared), "status");
  want(is.mark.value_or(0) == seen.mark.value_or(0), "the mark");
  want(is.labels.value_or(ct::Labels{}) == seen.labels.value_or(ct::Labels{}), "labels");
  if (is.tcp && seen.tcp) {
    want(is.tcp->state == seen.tcp->state, "TCP's state");
    for (size_t d = 0; d < 2; ++d) {
      // Without the option of both sides a scale means nothing.
      const auto flags = [&](const EntryState& s) {
        return s.tcp->flags[d] ? s.tcp->flags[d]->value & ~ct::kTcpBeLiberal : 0;
      };
      want(flags(is) == flags(seen), "TCP's flags");
      if ((flags(is) & ct::kTcpWindowScale) != 0)
        want(is.tcp->scale[d].value_or(0) == seen.tcp->scale[d].value_or(0), "a window scale");
    }
  }
  if (is.sctp && seen.sctp)
    want(is.sctp->state == seen.sctp->state && is.sctp->vtag[0] == seen.sctp->vtag[0] &&
             is.sctp->vtag[1] == seen.sctp->vtag[1],
         "SCTP's state or tags");
  want(is.helper == seen.helper, "the helper");
  const auto adjust = [](const EntryState& s, size_t d) { return s.seqadj ? (*s.seqadj)[d] : ct::SeqAdjust{}; };
  for (size_t d = 0; d < 2; ++d) {
    const ct::SeqAdjust a = adjust(is, d), b = adjust(seen, d);
    want(a.correction_pos == b.correction_pos && a.offset_before == b.offset_before && a.offset_after == b.offset_after,
         "sequence adjustment");
  }
  want(is.master.has_value() == seen.master.has_value(), "its master");
  return out;
}

// Gives a state to the other side; says why not. Without its master when that one is gone for good.
template <class Create>
Result<std::string> give(const EntryState& is, const Create& create) {
  EntryState s = is;
  if (!ct::make_creatable(s)) return std::string("nobody can make a connection of this ICMP type");
  Result<int> code = create(s);
  if (code.ok() && *code == ENOENT && s.master) {
    s.master.reset();
    code = create(s);
  }
  if (!code) return code.error();
  return *code == 0 ? std::string() : std::string(std::strerror(*code));
}

void compare(const std::vector<EntryState>& moved, const std::vector<EntryState>& there, HandoverReport& report) {
  std::map<Name, const EntryState*> by_name;
  for (const EntryState& s : there) by_name[name_of(s)] = &s;
  for (const EntryState& s : moved) {
    const auto it = by_name.find(name_of(s));
    // It may have run out meanwhile.
    if (it == by_name.end()) {
      report.incomplete.push_back(describe(s) + ": was made and is gone");
    } else if (const std::string what = missing(s, *it->second); !what.empty()) {
      report.incomplete.push_back(describe(s) + ": without " + what);
    } else if (s.tuple[0].protocol == kProtoGre &&
               (s.tuple[0].source_id.raw() | s.tuple[0].destination_id.raw()) != 0) {
      report.incomplete.push_back(describe(s) + ": without the call ids its packets are known by");
    }
  }
}

}  // namespace

std::string HandoverReport::text(const std::string& to) const {
  std::string out = strf("%zu connections and %zu expectations moved to %s\n", connections, expectations, to.c_str());
  for (const std::string& line : incomplete) out += "incomplete: " + line + '\n';
  for (const std::string& line : left_behind) out += "not moved: " + line + '\n';
  return out;
}

Result<HandoverReport> hand_over_to_kernel(Gateway& gateway, Time now) {
  Result<std::unique_ptr<KernelConntrack>> opened = KernelConntrack::open();
  if (!opened) return opened.error();
  KernelConntrack& kernel = **opened;
  // Whether it can be asked at all, before anything changes.
  if (const Result<std::vector<EntryState>> first = kernel.entries(); !first) return first.error();

  ct::Conntrack& own = gateway.conntrack();
  HandoverReport report;
  std::vector<EntryState> entries, moved;
  std::vector<ExpectState> expectations;
  own.for_each([&](ct::Connection& c) { entries.push_back(ct::entry_state(c, now)); });
  own.expectations().for_each([&](ct::Expectation& e) { expectations.push_back(ct::expect_state(e, now)); }, now);
  masters_first(entries);
  for (const EntryState& s : entries) {
    const Result<std::string> why = give(s, [&](const EntryState& wanted) -> Result<int> {
      Result<int> code = kernel.create(wanted);
      if (!code || *code != EEXIST) return code;
      // What the kernel still has of it is older.
      if (const Result<int> removed = kernel.remove(wanted); !removed) return removed;
      return kernel.create(wanted);
    });
    if (!why || !why->empty()) {
      report.left_behind.push_back(describe(s) + ": " + (why ? *why : why.error().str()));
      continue;
    }
    moved.push_back(s);
  }
  for (const ExpectState& e : expectations) {
    const Result<int> code = kernel.create(e);
    if (code.ok() && *code == 0)
      ++report.expectations;
    else
      report.left_behind.push_back(describe(e) + ": " + (code ? std::strerror(*code) : code.error().str()));
  }
  if (const Result<std::vector<EntryState>> there = kernel.entries(); there.ok())
    compare(moved, *there, report);
  else
    report.incomplete.push_back("nothing could be read back: " + there.error().str());
  report.connections = moved.size();
  for (const EntryState& s : moved) {
    if (s.tuple[0].protocol == kProtoGre)
      report.incomplete.push_back(describe(s) + ": without its timeouts, so the kernel ends it with the next packet");
    CtDirection direction;
    if (ct::Connection* c = own.find(s.tuple[0], {{s.tuple[0].zone, s.tuple[1].zone}}, direction, now); c != nullptr)
      own.kill(*c, now);
  }
  return report;
}

Result<HandoverReport> take_over_from_kernel(Gateway& gateway, Time now) {
  Result<std::unique_ptr<KernelConntrack>> opened = KernelConntrack::open();
  if (!opened) return opened.error();
  KernelConntrack& kernel = **opened;
  Result<std::vector<EntryState>> entries = kernel.entries();
  if (!entries) return entries.error();
  const Result<std::vector<ExpectState>> expectations = kernel.expectations();
  if (!expectations) return expectations.error();

  ct::Conntrack& own = gateway.conntrack();
  const ct::NatSetup nat = [&](ct::Connection& c, const EntryState& s, Time t) {
    return gateway.nat().setup_entry(c, s, t);
  };
  HandoverReport report;
  std::vector<EntryState> moved, there;
  masters_first(*entries);
  SysctlTable& sysctl = gateway.router().sysctl();
  const auto seconds = [&](const char* name) {
    const auto value = sysctl.get(name);
    return value.ok() ? *value : 0;
  };
  const ct::GreTrack gre{seconds("net.netfilter.nf_conntrack_gre_timeout"),
                         seconds("net.netfilter.nf_conntrack_gre_timeout_stream")};
  for (EntryState& s : *entries) {
    if (s.tuple[0].protocol == kProtoGre) s.gre = gre;
    const Result<std::string> why = give(s, [&](const EntryState& wanted) -> Result<int> {
      CtDirection direction;
      const ct::ZoneIds zone{{wanted.tuple[0].zone, wanted.tuple[1].zone}};
      if (ct::Connection* old = own.find(wanted.tuple[0], zone, direction, now); old != nullptr) own.kill(*old, now);
      return own.create_entry(wanted, nat, now);
    });
    if (!why->empty()) {
      report.left_behind.push_back(describe(s) + ": " + *why);
      continue;
    }
    moved.push_back(s);
  }
  const ct::ExpectFunction* const functions[] = {&gateway.nat().follow_master()};
  for (const ExpectState& e : *expectations) {
    const int code = ct::create_expectation(own, e, functions, now);
    if (code != 0) {
      report.left_behind.push_back(describe(e) + ": " + std::strerror(code));
      continue;
    }
    if (ct::Expectation* made = own.expectations().find(e.tuple, e.zone, now); made != nullptr && e.timeout)
      own.expectations().refresh(*made, *e.timeout, now);
    ++report.expectations;
  }
  own.for_each([&](ct::Connection& c) { there.push_back(ct::entry_state(c, now)); });
  compare(moved, there, report);
  report.connections = moved.size();
  // Expectations go with their masters.
  for (const EntryState& s : moved) {
    const Result<int> code = kernel.remove(s);
    if (!code || (*code != 0 && *code != ENOENT))
      report.incomplete.push_back(describe(s) +
                                  ": is in the kernel still: " + (code ? std::strerror(*code) : code.error().str()));
  }
  return report;
}

}  // namespace nf
