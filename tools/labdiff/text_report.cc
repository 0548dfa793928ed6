#include "datapath/base/text.h"
#include "tools/labdiff/columns.h"
#include "tools/labdiff/report.h"
#include "tools/labdiff/side_by_side.h"

namespace nf::labdiff {
namespace {

// What differs where the fate is the same, by Kind.
constexpr const char* kSame[] = {"diff.fate", "diff.bytes", "diff.nat", "diff.path"};

std::string number(uint64_t n) { return std::to_string(n); }

Said together(const std::vector<Said>& ends) {
  if (ends.empty()) return {"diff.nothing", {}, {}};
  Said out = ends.front();
  for (size_t i = 1; i < ends.size(); ++i) out = {"diff.and", {}, {out, ends[i]}};
  return out;
}

class Writer {
 public:
  Writer(const Report& report, const TextOptions& options) : report_(report), options_(options) {}

  std::string write() {
    say({"diff.labs", {report_.lab_a, report_.lab_b}, {}});
    uint64_t paths = 0;
    for (size_t i = 0; i < report_.groups.size(); ++i) {
      paths += report_.groups[i].kind == Kind::kPath;
      if (i < report_.examples.size()) group(i);
    }
    const uint64_t others = report_.groups.size() - paths;
    out_ += '\n';
    if (report_.examples.size() < report_.groups.size())
      say({"diff.more", {number(report_.groups.size() - report_.examples.size())}, {}});
    if (report_.path_only > 0) say({"diff.summary_path", {number(report_.path_only), number(paths)}, {}});
    say({"diff.summary", {number(report_.packets), number(report_.differ), number(others)}, {}});
    return std::move(out_);
  }

 private:
  std::string render(const Said& said) const { return words::render(said, options_.language); }
  void say(const Said& said, const char* indent = "") { out_ += indent + render(said) + '\n'; }
  void coloured(const std::string& text, const char* colour) {
    out_ += options_.colour ? colour + text + "\033[0m\n" : text + '\n';
  }

  void group(size_t i) {
    const Group& g = report_.groups[i];
    const Said a = together(g.ends_a), b = together(g.ends_b);
    const Said what =
        g.kind == Kind::kFate ? Said{"diff.fate", {}, {a, b}} : Said{kSame[static_cast<size_t>(g.kind)], {}, {a}};
    out_ += '\n';
    coloured(render({"diff.group", {number(i + 1), number(g.packets), number(g.first)}, {what}}), "\033[1m");
    say({"diff.cause", {}, {g.cause}}, "  ");
    if (g.consequences > 0) say({"diff.consequences", {number(g.consequences)}, {}}, "  ");
    say({"text.packet", {number(g.first), device_of(report_.examples[i]), g.packet}, {}}, "  ");
    const std::vector<Line> lines = lines_of(report_.examples[i], g.kind, report_, options_.language);
    for (size_t at = 0; at < lines.size();) {
      size_t end = at + 1;
      while (lines[at].of == Line::Of::kOne && end < lines.size() && lines[end].of == Line::Of::kOne) ++end;
      show({lines.begin() + static_cast<std::ptrdiff_t>(at), lines.begin() + static_cast<std::ptrdiff_t>(end)});
      at = end;
    }
  }

  static std::string device_of(const Example& example) {
    for (const Happened* side : {&example.a, &example.b})
      if (!side->empty()) return side->front().device;
    return {};
  }

  // A line of both, or all lines of a place where they are apart: beside each other, or all of A and then all of B.
  void show(const std::vector<Line>& lines) {
    if (lines.front().of == Line::Of::kBoth) {
      out_ += "      " + lines.front().a + '\n';
      return;
    }
    if (options_.columns != 0) {
      for (const Line& line : lines) out_ += two_columns("  " + line.a, "  " + line.b, options_.columns, line.apart);
      return;
    }
    for (const Line& line : lines)
      if (!line.a.empty()) coloured((line.apart ? "  > A " : "    A ") + line.a, "\033[31m");
    for (const Line& line : lines)
      if (!line.b.empty()) coloured((line.apart ? "  > B " : "    B ") + line.b, "\033[32m");
  }

  const Report& report_;
  const TextOptions& options_;
  std::string out_;
};

}  // namespace

std::string text_report(const Report& report, const TextOptions& options) { return Writer(report, options).write(); }

}  // namespace nf::labdiff
