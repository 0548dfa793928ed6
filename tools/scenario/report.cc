#include "tools/scenario/report.h"

#include <cstdio>

#include "datapath/base/json.h"
#include "datapath/base/text.h"

namespace nf::scenario {
namespace {

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

class TextReport final : public Report {
 public:
  explicit TextReport(const ReportOptions& options) : verbose_(options.verbose) {}
  void begin(size_t) override {}

  void finished(const Finished& f) override {
    switch (f.ending) {
      case Ending::kPassed:
        if (!verbose_) return;
        return print("ok " + f.file +
                     (f.passed_over > 0 ? strf(" (%zu reasons not asked)", f.passed_over) : std::string()) + '\n');
      case Ending::kFailed:
        return print("FAILED " + f.file + '\n' + f.text + '\n');
      case Ending::kUnplayable:
        return print(f.text);
      case Ending::kKnown:
        return;
      case Ending::kNotHere:
        if (verbose_) print("not here " + f.file + ": " + f.text + '\n');
    }
  }

  void end(const Totals& t) override {
    std::string reasons;
    for (const auto& [reason, count] : t.reasons)
      reasons += (reasons.empty() ? "" : "; ") + reason + (count > 1 ? strf(" (%zu)", count) : "");
    std::string text = strf("%zu scenarios: %zu passed, %zu failed", t.all(), t[Ending::kPassed], t[Ending::kFailed]);
    if (const size_t n = t[Ending::kUnplayable]; n > 0) text += strf(", %zu cannot be played", n);
    if (const size_t n = t[Ending::kKnown]; n > 0) text += strf(", %zu known to differ", n);
    if (const size_t n = t[Ending::kNotHere]; n > 0) text += strf(", %zu not on this backend (%s)", n, reasons.c_str());
    if (verbose_ && t.passed_over > 0)
      text += strf("\n%zu reasons not asked: this backend cannot tell why", t.passed_over);
    print(text + '\n');
  }

 private:
  bool verbose_;
};

// A description or directive: no '#' that begins one, nothing that ends the line.
std::string tap_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '#' || c == '\\') out += '\\';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

class TapReport final : public Report {
 public:
  void begin(size_t scenarios) override { print(strf("TAP version 13\n1..%zu\n", scenarios)); }

  void finished(const Finished& f) override {
    const bool ok = f.ending == Ending::kPassed || f.ending == Ending::kNotHere;
    std::string line = strf("%sok %zu - ", ok ? "" : "not ", ++number_) + tap_text(f.file);
    if (!f.title.empty()) line += ": " + tap_text(f.title);
    if (f.ending == Ending::kNotHere) line += " # SKIP " + tap_text(f.text);
    if (f.ending == Ending::kKnown) line += " # TODO known to differ";
    line += '\n';
    if (f.ending == Ending::kFailed || f.ending == Ending::kUnplayable) {
      line += "  ---\n  message: " + json_string(first_line(f.text)) +
              "\n  severity: " + (f.ending == Ending::kFailed ? "fail" : "error") +
              strf("\n  duration_ms: %.0f", f.seconds * 1000) + "\n  output: |\n";
      for (const std::string_view l : split(trim(f.text), '\n')) ((line += "    ") += l) += '\n';
      line += "  ...\n";
    }
    print(line);
  }

  void end(const Totals&) override {}

 private:
  size_t number_ = 0;
};

class JunitReport final : public Report {
 public:
  explicit JunitReport(const ReportOptions& options) : backend_(options.backend) {}
  void begin(size_t) override {}

  // The numbers stand in front of the cases, so the cases are kept.
  void finished(const Finished& f) override {
    std::string name = f.file;
    if (name.ends_with(".scn")) name.resize(name.size() - 4);
    cases_ += "    <testcase classname=\"" + xml_text(name) + "\" name=\"" +
              xml_text(f.title.empty() ? name : f.title) + "\" file=\"" + xml_text(f.file) +
              strf("\" time=\"%.3f\"", f.seconds);
    const auto with = [&](const char* element, const char* type) {
      cases_ += std::string(">\n      <") + element + " type=\"" + type + "\" message=\"" +
                xml_text(first_line(f.text)) + "\">" + xml_text(f.text) + "</" + element + ">\n    </testcase>\n";
    };
    switch (f.ending) {
      case Ending::kPassed:
        cases_ += "/>\n";
        return;
      case Ending::kFailed:
        return with("failure", "expectation");
      case Ending::kUnplayable:
        return with("error", "scenario");
      case Ending::kKnown:
      case Ending::kNotHere:
        cases_ += ">\n      <skipped message=\"" +
                  xml_text(f.ending == Ending::kKnown ? "known to differ" : first_line(f.text)) +
                  "\"/>\n    </testcase>\n";
    }
  }

  void end(const Totals& t) override {
    const std::string numbers =
        strf(" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.3f\">\n", t.all(),
             t[Ending::kFailed], t[Ending::kUnplayable], t[Ending::kKnown] + t[Ending::kNotHere], t.seconds);
    print("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"hookpoint scenario\"" + numbers +
          "  <testsuite name=\"" + xml_text(backend_) + "\"" + numbers + cases_ + "  </testsuite>\n</testsuites>\n");
  }

 private:
  std::string backend_, cases_;
};

// Bytes of the character a well-formed sequence begins with; 0: it is none (RFC 3629).
size_t utf8_length(std::string_view s) {
  const auto at = [&](size_t i) { return i < s.size() ? static_cast<uint8_t>(s[i]) : 0; };
  const auto tail = [&](size_t i) { return (at(i) & 0xc0) == 0x80; };
  const uint8_t first = static_cast<uint8_t>(at(0)), second = static_cast<uint8_t>(at(1));
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first < 0xf0) {
    const bool ok = !(first == 0xe0 && second < 0xa0) && !(first == 0xed && second >= 0xa0);
    return ok && tail(1) && tail(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first < 0xf5) {
    const bool ok = !(first == 0xf0 && second < 0x90) && !(first == 0xf4 && second >= 0x90);
    return ok && tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string xml_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t n = utf8_length(text);
    const char c = text.front();
    const bool control = static_cast<uint8_t>(c) < 0x20 && c != '\t' && c != '\n';
    if (n == 0 || control)
      out += '?';
    else if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += text.substr(0, n);
    text.remove_prefix(n == 0 ? 1 : n);
  }
  return out;
}

std::unique_ptr<Report> make_report(std::string_view form, const ReportOptions& options) {
  if (form == "text") return std::make_unique<TextReport>(options);
  if (form == "tap") return std::make_unique<TapReport>();
  if (form == "junit") return std::make_unique<JunitReport>(options);
  return nullptr;
}

}  // namespace nf::scenario
