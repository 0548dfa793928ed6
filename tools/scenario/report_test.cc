// The forms of `hookpoint scenario` line by line; netns-tests/scenario_formats reads them with real parsers.
#include "tools/scenario/report.h"

#include <gtest/gtest.h>

namespace nf::scenario {
namespace {

std::string printed(const char* form, bool verbose = false) {
  const Finished all[] = {
      {"a/one.scn", "One # of <these>.", Ending::kPassed, {}, 0.5, 2},
      {"a/two.scn", {}, Ending::kFailed, "a/two.scn:3: x: expected \"1\", got 2\n  more\n", 0.25, 0},
      {"b/three.scn", "Three", Ending::kNotHere, "waits longer", 0, 0},
      {"b/four.scn", "Four", Ending::kUnplayable, "b/four.scn:1: no\n", 0, 0},
      {"b/five.scn", "Five", Ending::kKnown, {}, 0, 0},
  };
  const std::unique_ptr<Report> report = make_report(form, {.backend = "kernel", .verbose = verbose});
  Totals totals;
  testing::internal::CaptureStdout();
  report->begin(5);
  for (const Finished& f : all) {
    report->finished(f);
    ++totals.of[static_cast<size_t>(f.ending)];
  }
  totals.passed_over = 2;
  totals.reasons["waits longer"] = 1;
  totals.seconds = 1.5;
  report->end(totals);
  return testing::internal::GetCapturedStdout();
}

TEST(Report, Text) {
  const std::string failure = "FAILED a/two.scn\na/two.scn:3: x: expected \"1\", got 2\n  more\n\n";
  const std::string sum =
      "5 scenarios: 1 passed, 1 failed, 1 cannot be played, 1 known to differ, 1 not on this backend (waits longer)\n";
  EXPECT_EQ(printed("text"), failure + "b/four.scn:1: no\n" + sum);
  EXPECT_EQ(printed("text", true), "ok a/one.scn (2 reasons not asked)\n" + failure +
                                       "not here b/three.scn: waits longer\nb/four.scn:1: no\n" + sum +
                                       "2 reasons not asked: this backend cannot tell why\n");
}

// testanything.org/tap-version-13-specification.html
TEST(Report, Tap) {
  EXPECT_EQ(printed("tap"),
            "TAP version 13\n1..5\n"
            "ok 1 - a/one.scn: One \\# of <these>.\n"
            "not ok 2 - a/two.scn\n"
            "  ---\n"
            "  message: \"a/two.scn:3: x: expected \\\"1\\\", got 2\"\n"
            "  severity: fail\n"
            "  duration_ms: 250\n"
            "  output: |\n"
            "    a/two.scn:3: x: expected \"1\", got 2\n"
            "      more\n"
            "  ...\n"
            "ok 3 - b/three.scn: Three # SKIP waits longer\n"
            "not ok 4 - b/four.scn: Four\n"
            "  ---\n"
            "  message: \"b/four.scn:1: no\"\n"
            "  severity: error\n"
            "  duration_ms: 0\n"
            "  output: |\n"
            "    b/four.scn:1: no\n"
            "  ...\n"
            "not ok 5 - b/five.scn: Five # TODO known to differ\n");
}

TEST(Report, Junit) {
  EXPECT_EQ(printed("junit"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuites name=\"hookpoint scenario\" tests=\"5\" failures=\"1\" errors=\"1\" skipped=\"2\" "
            "time=\"1.500\">\n"
            "  <testsuite name=\"kernel\" tests=\"5\" failures=\"1\" errors=\"1\" skipped=\"2\" time=\"1.500\">\n"
            "    <testcase classname=\"a/one\" name=\"One # of &lt;these&gt;.\" file=\"a/one.scn\" time=\"0.500\"/>\n"
            "    <testcase classname=\"a/two\" name=\"a/two\" file=\"a/two.scn\" time=\"0.250\">\n"
            "      <failure type=\"expectation\" message=\"a/two.scn:3: x: expected &quot;1&quot;, got 2\">"
            "a/two.scn:3: x: expected &quot;1&quot;, got 2\n  more\n</failure>\n"
            "    </testcase>\n"
            "    <testcase classname=\"b/three\" name=\"Three\" file=\"b/three.scn\" time=\"0.000\">\n"
            "      <skipped message=\"waits longer\"/>\n"
            "    </testcase>\n"
            "    <testcase classname=\"b/four\" name=\"Four\" file=\"b/four.scn\" time=\"0.000\">\n"
            "      <error type=\"scenario\" message=\"b/four.scn:1: no\">b/four.scn:1: no\n</error>\n"
            "    </testcase>\n"
            "    <testcase classname=\"b/five\" name=\"Five\" file=\"b/five.scn\" time=\"0.000\">\n"
            "      <skipped message=\"known to differ\"/>\n"
            "    </testcase>\n"
            "  </testsuite>\n"
            "</testsuites>\n");
}

// What XML 1.0 (2.2 Characters) and RFC 3629 do not allow.
TEST(Report, XmlTakesAnyBytes) {
  const struct {
    std::string_view text, xml;
  } cases[] = {
      {"a<b>&\"c\"", "a&lt;b&gt;&amp;&quot;c&quot;"},
      {"tab\tline\nbell\a", "tab\tline\nbell?"},
      {"\xe4\xb8\xad\xe6\x96\x87", "\xe4\xb8\xad\xe6\x96\x87"},
      {"\xc3\xa9\xf0\x9f\x98\x80", "\xc3\xa9\xf0\x9f\x98\x80"},
      {"\xff\xc3", "??"},
      {"\xc0\x80", "??"},
      {"\xed\xa0\x80", "???"},
      {"\xf4\x90\x80\x80", "????"},
  };
  for (const auto& c : cases) EXPECT_EQ(xml_text(c.text), c.xml);
}

TEST(Report, AnUnknownFormIsNone) { EXPECT_EQ(make_report("html", {}), nullptr); }

}  // namespace
}  // namespace nf::scenario
