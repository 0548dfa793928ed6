#include <algorithm>
#include <tuple>

#include "datapath/base/text.h"
#include "tools/difftest/compare.h"

namespace nf::difftest {
namespace {

// The next word of a line; empty at its end.
std::string_view take_word(std::string_view& line) {
  const size_t from = line.find_first_not_of(" \t");
  if (from == std::string_view::npos) {
    line = {};
    return {};
  }
  line.remove_prefix(from);
  const size_t to = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view word = line.substr(0, to);
  line.remove_prefix(to);
  return word;
}

bool is_number(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A line taken apart: seconds are numbers that may differ by one, the rest is not.
struct Line {
  std::string rest;
  uint64_t seconds = 0, age = 0;
  const std::string* text = nullptr;

  explicit Line(std::string_view line) {
    // The protocol's name and number stand before the seconds, an event's kind before both; of an expectation nothing.
    int position = 0;
    for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) {
      if (position == 0 && word.front() == '[') {
        rest += word;
        continue;
      }
      ++position;
      if ((position == 3 || position == 1) && is_number(word)) {
        seconds = parse_number(word).value_or(UINT64_MAX);
        rest += " S";
      } else if (word.starts_with("delta-time=")) {
        age = parse_number(word.substr(11)).value_or(UINT64_MAX);
        rest += " A";
      } else if (!word.starts_with("use=")) {
        (rest += ' ') += word;
      }
    }
  }
  bool same(const Line& o) const {
    const auto near = [](uint64_t a, uint64_t b) { return (a > b ? a - b : b - a) <= 1; };
    return near(seconds, o.seconds) && near(age, o.age) && rest == o.rest;
  }
  auto key() const { return std::tie(rest, seconds); }
};

std::vector<Line> sorted_lines(const std::vector<std::string>& texts) {
  std::vector<Line> out;
  out.reserve(texts.size());
  for (const std::string& text : texts) {
    out.emplace_back(text);
    out.back().text = &text;
  }
  std::sort(out.begin(), out.end(), [](const Line& a, const Line& b) { return a.key() < b.key(); });
  return out;
}

std::string counter_text(const RuleCounter& c) {
  const std::string number = c.number == 0 ? "policy" : strf("%u", c.number);
  return strf("%s:%s:%s %llu %llu\n", c.table.c_str(), c.chain.c_str(), number.c_str(),
              static_cast<unsigned long long>(c.packets), static_cast<unsigned long long>(c.bytes));
}

}  // namespace

bool same_line(std::string_view kernel, std::string_view engine) {
  return kernel == engine || Line(kernel).same(Line(engine));
}

std::optional<Difference> compare_events(const std::vector<std::string>& kernel,
                                         const std::vector<std::string>& engine) {
  bool same = kernel.size() == engine.size();
  for (size_t i = 0; same && i < kernel.size(); ++i) same = same_line(kernel[i], engine[i]);
  if (same) return std::nullopt;
  Difference out;
  for (const std::string& line : kernel) (out.first += line) += '\n';
  for (const std::string& line : engine) (out.second += line) += '\n';
  return out;
}

std::optional<Difference> compare_entries(std::vector<std::string> kernel, std::vector<std::string> engine) {
  const std::vector<Line> k = sorted_lines(kernel), e = sorted_lines(engine);
  Difference out;
  size_t i = 0, j = 0;
  while (i < k.size() || j < e.size()) {
    if (i < k.size() && j < e.size() && k[i].same(e[j])) {
      ++i;
      ++j;
    } else if (j == e.size() || (i < k.size() && k[i].key() < e[j].key())) {
      (out.first += *k[i++].text) += '\n';
    } else {
      (out.second += *e[j++].text) += '\n';
    }
  }
  if (out.first.empty() && out.second.empty()) return std::nullopt;
  return out;
}

std::optional<Difference> compare_counters(std::vector<RuleCounter> kernel, std::vector<RuleCounter> engine) {
  const auto key = [](const RuleCounter& c) { return std::tie(c.table, c.chain, c.number); };
  const auto before = [&](const RuleCounter& a, const RuleCounter& b) { return key(a) < key(b); };
  std::sort(kernel.begin(), kernel.end(), before);
  std::sort(engine.begin(), engine.end(), before);
  Difference out;
  size_t i = 0, j = 0;
  while (i < kernel.size() || j < engine.size()) {
    const bool both = i < kernel.size() && j < engine.size();
    if (both && key(kernel[i]) == key(engine[j])) {
      if (!(kernel[i] == engine[j])) {
        out.first += counter_text(kernel[i]);
        out.second += counter_text(engine[j]);
      }
      ++i;
      ++j;
    } else if (j == engine.size() || (both && before(kernel[i], engine[j]))) {
      out.first += counter_text(kernel[i++]);
    } else {
      out.second += counter_text(engine[j++]);
    }
  }
  if (out.first.empty() && out.second.empty()) return std::nullopt;
  return out;
}

std::optional<Difference> compare_statistics(const ct::Stats& kernel, const ct::Stats& engine) {
  Difference out;
  const auto compare = [&](const char* name, uint64_t k, uint64_t e) {
    if (k == e) return;
    out.first += strf("%s=%llu ", name, static_cast<unsigned long long>(k));
    out.second += strf("%s=%llu ", name, static_cast<unsigned long long>(e));
  };
  compare("found", kernel.found, engine.found);
  compare("invalid", kernel.invalid, engine.invalid);
  compare("insert", kernel.insert, engine.insert);
  compare("insert_failed", kernel.insert_failed, engine.insert_failed);
  compare("drop", kernel.drop, engine.drop);
  compare("early_drop", kernel.early_drop, engine.early_drop);
  compare("error", kernel.icmp_error, engine.icmp_error);
  compare("clash_resolve", kernel.clash_resolve, engine.clash_resolve);
  compare("chaintoolong", kernel.chaintoolong, engine.chaintoolong);
  if (out.first.empty()) return std::nullopt;
  return out;
}

}  // namespace nf::difftest
