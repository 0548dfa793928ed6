#include "datapath/iptables/explain_miss.h"

#include "datapath/base/text.h"
#include "datapath/iptables/print.h"
#include "datapath/iptables/protocols.h"

namespace nf::ipt {
namespace {

std::string_view name_of(const Device* dev) { return dev == nullptr ? std::string_view() : dev->name; }

std::string header_text(const Rule& r, HeaderField field) {
  std::string text = save_header(r, field);
  if (!text.empty()) return text.substr(1);
  return field == HeaderField::kIn ? "! -i " + r.in : "! -o " + r.out;
}

Said device_missed(std::string_view key, std::string_view key_without, std::string condition, const Device* dev,
                   HookPoint hook) {
  if (dev == nullptr) return {std::string(key_without), {std::move(condition), std::string(hook_name(hook))}, {}};
  return {std::string(key), {std::move(condition), dev->name}, {}};
}

Said explain_header(const Rule& r, const MatchInput& in, HeaderField field) {
  std::string condition = header_text(r, field);
  switch (field) {
    case HeaderField::kSource:
      return {"miss.source", {std::move(condition), format_ipv4(in.ip.source)}, {}};
    case HeaderField::kDestination:
      return {"miss.destination", {std::move(condition), format_ipv4(in.ip.destination)}, {}};
    case HeaderField::kIn:
      return device_missed("miss.in_device", "miss.no_in_device", std::move(condition), in.state.in, in.state.hook);
    case HeaderField::kOut:
      return device_missed("miss.out_device", "miss.no_out_device", std::move(condition), in.state.out, in.state.hook);
    case HeaderField::kProtocol: {
      const std::string_view name = protocol_name(in.ip.protocol);
      return {"miss.protocol",
              {std::move(condition), name.empty() ? std::to_string(in.ip.protocol) : std::string(name)},
              {}};
    }
    case HeaderField::kFragment:
      break;
  }
  return {in.fragment_offset == 0 ? "miss.not_fragment" : "miss.is_fragment",
          {std::move(condition), std::to_string(in.fragment_offset * 8)},
          {}};
}

// Whether the matches from `first` on hold, those that go with -p left out if it is taken away; false also when that
// cannot be asked.
bool others_hold(const Rule& r, const MatchInput& in, size_t first, bool without_protocol) {
  for (size_t i = first; i < r.matches.size(); ++i) {
    Match& m = *r.matches[i];
    if (without_protocol && m.needs_protocol()) {
      std::string options;
      m.save(options);
      if (!options.empty()) return false;
      continue;
    }
    if (!m.modelled() || !m.pure()) return false;
    bool hotdrop = false;
    if (!m.match({in.packet, in.ip, in.transport, in.fragment_offset, in.state, hotdrop}) || hotdrop) return false;
  }
  return true;
}

}  // namespace

RuleMiss explain_miss(const Rule& r, const MatchInput& in, size_t failed) {
  if (failed != kHeaderFailed) {
    Miss miss = r.matches[failed]->explain_miss(in);
    return {std::move(miss.why), miss.rest && others_hold(r, in, failed + 1, false)};
  }
  const std::string_view in_name = name_of(in.state.in);
  const std::string_view out_name = name_of(in.state.out);
  std::optional<HeaderField> first;
  bool rest = true;
  for (size_t f = 0; f < kHeaderFields; ++f) {
    const auto field = static_cast<HeaderField>(f);
    if (r.holds(field, in.ip, in_name, out_name)) continue;
    if (first) rest = false;
    if (!first) first = field;
  }
  if (!first) return {{}, false};
  return {explain_header(r, in, *first), rest && others_hold(r, in, 0, *first == HeaderField::kProtocol)};
}

}  // namespace nf::ipt
