#include <set>

#include "datapath/base/json.h"
#include "datapath/base/text.h"
#include "tools/labdiff/report.h"

namespace nf::labdiff {
namespace {

template <class List, class Item>
std::string array(const List& list, const Item& item) {
  std::string out = "[";
  for (const auto& x : list) (out += out.size() > 1 ? "," : "") += item(x);
  return out + ']';
}

class Writer {
 public:
  Writer(const Report& report, words::Language language) : report_(report), language_(language) {}

  std::string write() {
    uint64_t paths = 0;
    for (size_t i = 0; i < report_.groups.size(); ++i) {
      paths += report_.groups[i].kind == Kind::kPath;
      if (i < report_.examples.size()) group(i);
    }
    out_ += strf("{\"packets\":%llu,\"differ\":%llu,\"groups\":%llu,\"path_only\":%llu,\"path_groups\":%llu}\n",
                 num(report_.packets), num(report_.differ), num(report_.groups.size() - paths), num(report_.path_only),
                 num(paths));
    return std::move(out_);
  }

 private:
  static unsigned long long num(uint64_t n) { return n; }

  std::string said(const Said& s) const {
    return "{\"key\":" + json_string(s.key) + ",\"values\":" + array(s.values, json_string) +
           ",\"inner\":" + array(s.inner, [this](const Said& inner) { return said(inner); }) +
           ",\"text\":" + json_string(words::render(s, language_)) + '}';
  }

  std::string side(const std::vector<Said>& ends, const std::vector<Decision>& decisions,
                   const std::set<const Decision*>& apart) const {
    std::string steps;
    for (const Decision& d : decisions) {
      const trace::Step& s = *d.step;
      steps += steps.empty() ? "" : ",";
      steps += "{\"kind\":" + json_string(trace::step_key(s.kind)) + ",\"place\":" + json_string(s.place()) +
               ",\"hook\":" + json_string(s.in_hook ? hook_name(s.hook) : "") + ",\"key\":" + json_string(s.said.key) +
               ",\"text\":" + json_string(words::render(s.said, language_)) +
               ",\"apart\":" + (apart.contains(&d) ? "true}" : "false}");
    }
    return "{\"ends\":" + array(ends, [this](const Said& e) { return said(e); }) + ",\"steps\":[" + steps + "]}";
  }

  void group(size_t i) {
    const Group& g = report_.groups[i];
    const std::vector<Decision> a = decisions_of(report_.examples[i].a), b = decisions_of(report_.examples[i].b);
    const std::vector<Row> rows = align(a, b);
    std::set<const Decision*> apart;
    if (const auto parting = find_parting(rows, g.kind); parting)
      for (size_t at = parting->from; at < parting->to; ++at)
        apart.insert(rows[at].a != nullptr ? rows[at].a : rows[at].b);
    out_ += strf("{\"group\":%zu,\"kind\":", i + 1) + json_string(kind_key(g.kind)) +
            strf(",\"packets\":%llu,\"first\":%llu,\"packet\":", num(g.packets), num(g.first)) + json_string(g.packet) +
            strf(",\"consequences\":%llu,\"cause\":", num(g.consequences)) + said(g.cause) +
            ",\"a\":" + side(g.ends_a, a, apart) + ",\"b\":" + side(g.ends_b, b, apart) + "}\n";
  }

  const Report& report_;
  words::Language language_;
  std::string out_;
};

}  // namespace

std::string json_report(const Report& report, words::Language language) { return Writer(report, language).write(); }

}  // namespace nf::labdiff
