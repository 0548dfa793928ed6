#include "datapath/base/text.h"
#include "datapath/iptables/address.h"
#include "datapath/iptables/print.h"
#include "datapath/iptables/protocols.h"

namespace nf::ipt {
namespace {

using ull = unsigned long long;

// A number and the blank behind it, in the width of a table cell. twin: xtables_print_num without FMT_NOTABLE
std::string cell(uint64_t number, bool exact) {
  if (exact) return strf("%8llu ", static_cast<ull>(number));
  return strf("%5s ", scaled_number(number).c_str());
}

// twin: print_header
void header(const Chain& c, size_t references, const Counters& policy, const ListOptions& o, std::string& out) {
  out += "Chain " + c.name;
  if (c.hook) {
    out += c.accept ? " (policy ACCEPT" : " (policy DROP";
    if (o.verbose) {
      const auto number = [&](uint64_t n) { return o.exact ? std::to_string(n) : scaled_number(n); };
      out += " " + number(policy.packets) + " packets, " + number(policy.bytes) + " bytes";
    }
    out += ")\n";
  } else {
    out += strf(" (%zu references)\n", references);
  }
  if (o.line_numbers) out += strf("%-4s ", "num");
  if (o.verbose) out += o.exact ? strf("%8s %10s ", "pkts", "bytes") : strf("%5s %5s ", "pkts", "bytes");
  out += strf("%-9s  prot opt", "target");
  if (o.verbose) out += strf(" %-6s %-6s ", "in", "out");
  out += strf(" %-19s  %-19s \n", "source", "destination");
}

std::string address_text(Be32 address, Be32 mask, bool numeric) {
  if (mask.is_zero() && !numeric) return "anywhere";
  return format_ipv4(address) + mask_for_list(mask);
}

std::string interface_text(const std::string& pattern, bool inverted, bool numeric) {
  return (inverted ? "!" : "") + (pattern.empty() ? std::string(numeric ? "*" : "any") : pattern);
}

// twin: print_firewall with print_rule_details
void rule_line(const TableModel& table, const Rule& r, size_t number, const Counters& counters, const ListOptions& o,
               std::string& out) {
  if (o.line_numbers) out += strf("%-4zu ", number);
  if (o.verbose) out += cell(counters.packets, o.exact) + cell(counters.bytes, o.exact);
  const std::string_view target = r.kind == TargetKind::kExtension ? r.target->list_name() : table.target_name(r);
  out += strf("%-9s ", std::string(target).c_str());
  out += r.not_protocol ? '!' : ' ';
  const std::string_view protocol = protocol_name(r.protocol, !o.numeric);
  if (o.numeric || protocol.empty())
    out += strf("%-4u ", unsigned{r.protocol});
  else
    out += strf("%-4s ", std::string(protocol).c_str());
  out += r.not_fragment ? '!' : '-';
  out += r.fragment ? "f " : "- ";
  if (o.verbose)
    out += strf(" %-6s %-6s ", interface_text(r.in, r.not_in, o.numeric).c_str(),
                interface_text(r.out, r.not_out, o.numeric).c_str());
  out += strf("%c%-19s ", r.not_source ? '!' : ' ', address_text(r.source, r.source_mask, o.numeric).c_str());
  out += strf("%c%-19s ", r.not_destination ? '!' : ' ',
              address_text(r.destination, r.destination_mask, o.numeric).c_str());
  if (r.is_goto) out += "[goto] ";
  for (const auto& m : r.matches) m->list(out, o.numeric);
  if (r.kind == TargetKind::kExtension) r.target->list(out, o.numeric);
  out += "\n";
}

}  // namespace

std::string scaled_number(uint64_t number) {
  if (number <= 99999) return strf("%llu", static_cast<ull>(number));
  for (const char unit : {'K', 'M', 'G'}) {
    number = (number + 500) / 1000;
    if (number <= 9999) return strf("%llu%c", static_cast<ull>(number), unit);
  }
  return strf("%lluT", static_cast<ull>((number + 500) / 1000));
}

void list_table(const TableModel& table, const CounterSource& counters, std::string_view chain,
                const ListOptions& options, std::string& out) {
  bool found = false;
  const std::vector<size_t> references = table.references();
  for (const Chain& c : table.chains()) {
    if (!chain.empty() && c.name != chain) continue;
    if (found) out += "\n";
    found = true;
    header(c, references[static_cast<size_t>(&c - table.chains().data())], counters.policy(c), options, out);
    for (size_t i = 0; i < c.rules.size(); ++i)
      rule_line(table, *c.rules[i].rule, i + 1, counters.rule(c, i), options, out);
  }
}

}  // namespace nf::ipt
