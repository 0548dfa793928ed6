#include "tools/shrink/setup.h"

#include <algorithm>
#include <map>

#include "datapath/base/text.h"
#include "tools/labdiff/common_lines.h"

namespace nf::shrink {
namespace {

using Lines = std::vector<std::string>;

std::string joined(const Lines& lines) {
  std::string out;
  for (const std::string& line : lines) (out += line) += '\n';
  return out;
}

class Merger {
 public:
  // What both have in their order is one line; what one has stands between.
  std::vector<Line> operator()(const Lines& a, const Lines* b) {
    static const Lines kNone;
    const Lines& other = b != nullptr ? *b : kNone;
    std::vector<Line> out;
    size_t i = 0, j = 0;
    const auto until = [&](size_t a_end, size_t b_end) {
      while (i < a_end) out.push_back({a[i++], next_id_++, {true, false}});
      while (j < b_end) out.push_back({other[j++], next_id_++, {false, true}});
    };
    for (const auto& [in_a, in_b] : labdiff::common_lines({a.begin(), a.end()}, {other.begin(), other.end()})) {
      until(in_a, in_b);
      out.push_back({a[i++], next_id_++, {true, true}});
      ++j;
    }
    until(a.size(), other.size());
    return out;
  }

 private:
  int next_id_ = 0;
};

struct NamedTable {
  std::string name;
  Lines lines;
};
std::vector<NamedTable> tables_of(const std::string& rules) {
  std::vector<NamedTable> out;
  for (const std::string_view line : split(rules, '\n')) {
    const std::string_view text = trim(line);
    if (text.starts_with("*"))
      out.push_back({std::string(text.substr(1)), {}});
    else if (!out.empty() && (text.starts_with(":") || text.starts_with("-A ")))
      out.back().lines.emplace_back(text);
  }
  return out;
}

Setup merge(const LabText& a, const LabText* b) {
  Merger merger;
  Setup out;
  out.network = merger(a.network, b != nullptr ? &b->network : nullptr);
  out.sysctl = merger(a.sysctl, b != nullptr ? &b->sysctl : nullptr);
  out.timeouts = merger(a.timeouts, b != nullptr ? &b->timeouts : nullptr);
  const std::vector<NamedTable> tables_a = tables_of(a.rules);
  std::vector<NamedTable> tables_b;
  if (b != nullptr) tables_b = tables_of(b->rules);
  const auto find = [](const std::vector<NamedTable>& in, const std::string& name) {
    return std::find_if(in.begin(), in.end(), [&](const NamedTable& t) { return t.name == name; });
  };
  for (const NamedTable& t : tables_a) {
    const auto other = find(tables_b, t.name);
    const bool both = other != tables_b.end();
    out.tables.push_back({t.name, {true, both}, merger(t.lines, both ? &other->lines : nullptr)});
  }
  for (const NamedTable& t : tables_b)
    if (find(tables_a, t.name) == tables_a.end()) out.tables.push_back({t.name, {false, true}, merger({}, &t.lines)});
  return out;
}

}  // namespace

size_t Setup::size() const {
  size_t n = network.size() + sysctl.size() + timeouts.size() + tables.size();
  for (const Table& t : tables) n += t.lines.size();
  return n;
}

LabText text_of(const Setup& setup, size_t side) {
  const auto lines = [side](const std::vector<Line>& from) {
    Lines out;
    for (const Line& line : from)
      if (line.in[side]) out.push_back(line.text);
    return out;
  };
  LabText out{lines(setup.network), lines(setup.sysctl), lines(setup.timeouts), {}};
  for (const Table& t : setup.tables)
    if (t.in[side]) out.rules += '*' + t.name + '\n' + joined(lines(t.lines)) + "COMMIT\n";
  return out;
}

Result<lab::Lab> parse(const LabText& text) {
  lab::Lab lab;
  lab.network_file = "network";
  lab.sysctl_file = "sysctl.conf";
  lab.timeouts_file = "timeouts";
  lab.rules_file = "rules.v4";
  Result<std::vector<lab::NetworkLine>> network = lab::parse_network(joined(text.network), lab.network_file);
  if (!network) return network.error();
  lab.network = network.take();
  Result<std::vector<lab::SysctlSetting>> sysctl = lab::parse_sysctl_conf(joined(text.sysctl), lab.sysctl_file);
  if (!sysctl) return sysctl.error();
  lab.sysctl = sysctl.take();
  Result<std::vector<lab::TimeoutLine>> timeouts = lab::parse_timeouts(joined(text.timeouts), lab.timeouts_file);
  if (!timeouts) return timeouts.error();
  lab.timeouts = timeouts.take();
  if (!text.rules.empty()) lab.rules = text.rules;
  return lab;
}

LabText text_of(const lab::Lab& lab, const std::string& saved_rules) {
  LabText out;
  for (const lab::NetworkLine& line : lab.network) {
    std::string_view text = trim(line.text);
    if (text.starts_with("ip ") || text.starts_with("ip\t")) text = trim(text.substr(3));
    out.network.emplace_back(text);
  }
  for (const lab::SysctlSetting& s : lab.sysctl)
    out.sysctl.push_back((s.ignore_error ? "-" : "") + s.name + " = " + s.value);
  for (const lab::TimeoutLine& line : lab.timeouts) out.timeouts.push_back(line.text);
  if (lab.rules) out.rules = saved_rules;
  return out;
}

Setup setup_of(const LabText& a) { return merge(a, nullptr); }
Setup setup_of(const LabText& a, const LabText& b) { return merge(a, &b); }

std::vector<RulePlace> rules_of(const Setup& setup, size_t side) {
  std::vector<RulePlace> out;
  for (const Table& t : setup.tables) {
    std::map<std::string, uint32_t> numbers;
    for (const Line& line : t.lines) {
      if (!line.in[side] || !line.text.starts_with("-A ")) continue;
      std::string chain(split_words(line.text)[1]);
      const uint32_t number = ++numbers[chain];
      out.push_back({t.name, std::move(chain), number, line.id, line.text});
    }
  }
  return out;
}

}  // namespace nf::shrink
