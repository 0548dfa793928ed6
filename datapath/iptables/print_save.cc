#include "datapath/base/text.h"
#include "datapath/iptables/address.h"
#include "datapath/iptables/print.h"
#include "datapath/iptables/protocols.h"

namespace nf::ipt {
namespace {

void save_address(char letter, Be32 address, Be32 mask, bool inverted, std::string& out) {
  if (mask.is_zero() && !inverted) return;
  out += strf("%s -%c ", inverted ? " !" : "", letter) + format_ipv4(address) + "/" + mask_for_save(mask);
}

// A lone "+" matches everything and is not written, inverted or not. twin: save_iface
void save_interface(char letter, const std::string& pattern, bool inverted, std::string& out) {
  if (pattern.empty() || pattern == "+") return;
  out += strf("%s -%c ", inverted ? " !" : "", letter) + pattern;
}

}  // namespace

std::string save_rule(const TableModel& table, const Rule& r) {
  std::string out;
  save_address('s', r.source, r.source_mask, r.not_source, out);
  save_address('d', r.destination, r.destination_mask, r.not_destination, out);
  save_interface('i', r.in, r.not_in, out);
  save_interface('o', r.out, r.not_out, out);
  if (r.protocol != 0) {
    const std::string_view name = protocol_name(r.protocol);
    out += r.not_protocol ? " ! -p " : " -p ";
    out += name.empty() ? std::to_string(r.protocol) : std::string(name);
  }
  if (r.fragment) out += r.not_fragment ? " ! -f" : " -f";
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
