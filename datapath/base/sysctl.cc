#include "datapath/base/sysctl.h"

#include <algorithm>
#include <optional>

#include "datapath/base/text.h"

namespace nf {
namespace {

std::string canonical(std::string_view name) {
  std::string n(name);
  // "net/ipv4/ip_forward" is sysctl(8)'s other spelling; with it a dot may be part of an interface's name.
  if (n.find('/') != std::string::npos) {
    for (char& c : n) c = c == '/' ? '.' : c;
  }
  return n;
}

std::optional<int64_t> parse_signed(std::string_view s) {
  const bool negative = s.starts_with('-');
  const auto n = parse_number(negative ? s.substr(1) : s, INT64_MAX);
  if (!n) return std::nullopt;
  return negative ? -static_cast<int64_t>(*n) : static_cast<int64_t>(*n);
}

}  // namespace

Status SysctlTable::set(std::string_view name, std::string_view value) {
  const auto it = entries_.find(canonical(name));
  if (it == entries_.end()) return error("unknown sysctl \"" + std::string(name) + "\"");
  const Entry& e = it->second;
  if (e.read_only) return error("sysctl \"" + std::string(name) + "\" is read-only");
  const auto n = parse_signed(trim(value));
  if (!n || *n < e.min || *n > e.max || (e.not_below != nullptr && *n < *e.not_below) ||
      (e.not_above != nullptr && *n > *e.not_above))
    return error("invalid value \"" + std::string(value) + "\" for sysctl \"" + std::string(name) + "\"");
  *e.value = *n;
  if (e.on_change) e.on_change(*n);
  return {};
}

Result<int64_t> SysctlTable::get(std::string_view name) const {
  const auto it = entries_.find(canonical(name));
  if (it == entries_.end()) return error("unknown sysctl \"" + std::string(name) + "\"");
  return *it->second.value;
}

}  // namespace nf
