#include "datapath/base/text.h"
#include "datapath/iptables/address.h"
#include "datapath/iptables/print.h"
#include "datapath/iptables/protocols.h"

namespace nf::ipt {
namespace {

std::string save_address(char letter, Be32 address, Be32 mask, bool inverted) {
  if (mask.is_zero() && !inverted) return {};
  return strf("%s -%c ", inverted ? " !" : "", letter) + format_ipv4(address) + "/" + mask_for_save(mask);
}

// twin: save_iface
std::string save_interface(char letter, const std::string& pattern, bool inverted) {
  if (pattern.empty() || pattern == "+") return {};
  return strf("%s -%c ", inverted ? " !" : "", letter) + pattern;
}

std::string save_protocol(const Rule& r) {
  if (r.protocol == 0) return {};
  const std::string_view name = protocol_name(r.protocol);
  return (r.not_protocol ? " ! -p " : " -p ") + (name.empty() ? std::to_string(r.protocol) : std::string(name));
}

}  // namespace

std::string save_header(const Rule& r, HeaderField field) {
  switch (field) {
    case HeaderField::kSource:
      return save_address('s', r.source, r.source_mask, r.not_source);
    case HeaderField::kDestination:
      return save_address('d', r.destination, r.destination_mask, r.not_destination);
    case HeaderField::kIn:
      return save_interface('i', r.in, r.not_in);
    case HeaderField::kOut:
      return save_interface('o', r.out, r.not_out);
    case HeaderField::kProtocol:
      return save_protocol(r);
    case HeaderField::kFragment:
      return r.fragment ? (r.not_fragment ? " ! -f" : " -f") : "";
  }
  return {};
}

std::string save_rule(const TableModel& table, const Rule& r) {
  std::string out;
  for (size_t f = 0; f < kHeaderFields; ++f) out += save_header(r, static_cast<HeaderField>(f));
  for (const auto& m : r.matches) {
    out += " -m ";
    out += m->name();
    m->save(out);
  }
  const std::string_view name = table.target_name(r);
  if (!name.empty()) {
    out += r.is_goto ? " -g " : " -j ";
    out += name;
  }
  if (r.kind == TargetKind::kExtension) r.target->save(out);
  return out;
}

std::string rule_text(const TableModel& table, const Rule& rule) {
  std::string text = save_rule(table, rule);
  if (!text.empty()) text.erase(0, 1);
  return text;
}

void save_table(const TableModel& table, const CounterSource& counters, bool with_counters, std::string& out) {
  const auto bracketed = [](const Counters& c) {
    return strf("[%llu:%llu]", static_cast<unsigned long long>(c.packets), static_cast<unsigned long long>(c.bytes));
  };
  out += "*";
  out += table.name();
  out += "\n";
  for (const Chain& c : table.chains()) {
    out += ":" + c.name;
    if (c.hook)
      out += std::string(c.accept ? " ACCEPT " : " DROP ") + bracketed(counters.policy(c)) + "\n";
    else
      out += " - [0:0]\n";
  }
  for (const Chain& c : table.chains()) {
    for (size_t i = 0; i < c.rules.size(); ++i) {
      if (with_counters) out += bracketed(counters.rule(c, i)) + " ";
      out += "-A " + c.name + save_rule(table, *c.rules[i].rule) + "\n";
    }
  }
  out += "COMMIT\n";
}

void list_rules(const TableModel& table, std::string_view chain, std::string& out) {
  for (const Chain& c : table.chains()) {
    if (!chain.empty() && c.name != chain) continue;
    if (c.hook)
      out += "-P " + c.name + (c.accept ? " ACCEPT\n" : " DROP\n");
    else
      out += "-N " + c.name + "\n";
  }
  for (const Chain& c : table.chains()) {
    if (!chain.empty() && c.name != chain) continue;
    for (const RuleEntry& e : c.rules) out += "-A " + c.name + save_rule(table, *e.rule) + "\n";
  }
}

}  // namespace nf::ipt
