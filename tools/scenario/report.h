// What `hookpoint scenario` prints: how each scenario ended, in the order they were given, and the sum.
//
//   text    for people: failures, with -v every scenario, a last line with the numbers
//   tap     Test Anything Protocol, version 13 (testanything.org), for prove(1) and other harnesses
//   junit   JUnit's XML as Jenkins and GitLab read it: testsuites, testsuite, testcase, failure, error, skipped
//
// Invariants:
//  1. finished() is called once for each scenario, in order, then end().
//  2. tap and junit are one document whatever happens; what is no well-formed UTF-8 or no character of XML becomes '?'.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nf::scenario {

enum class Ending : uint8_t {
  kPassed,
  kFailed,
  kUnplayable,  // cannot be read, or its lab is refused
  kKnown,       // differs as the list of known differences says
  kNotHere,     // not for this backend
};

struct Finished {
  std::string file, title;
  Ending ending{};
  std::string text;        // kFailed, kUnplayable: whole lines; kNotHere: why
  double seconds = 0;      // it took
  size_t passed_over = 0;  // steps that ask why, on a backend that cannot tell
};

struct Totals {
  size_t of[5]{};  // by Ending
  size_t passed_over = 0;
  double seconds = 0;
  std::map<std::string, size_t> reasons;  // kNotHere
  size_t all() const { return of[0] + of[1] + of[2] + of[3] + of[4]; }
  size_t operator[](Ending e) const { return of[static_cast<size_t>(e)]; }
};

class Report {
 public:
  virtual ~Report() = default;
  virtual void begin(size_t scenarios) = 0;
  virtual void finished(const Finished& f) = 0;
  virtual void end(const Totals& totals) = 0;
};

struct ReportOptions {
  std::string backend;
  bool verbose = false;  // text
};
// "text", "tap", "junit", written to standard output; null: another name.
std::unique_ptr<Report> make_report(std::string_view form, const ReportOptions& options);

// For the tests: what stands in XML for a text.
std::string xml_text(std::string_view text);

}  // namespace nf::scenario
