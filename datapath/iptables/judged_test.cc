// Texts that iptables-legacy-restore 1.8.9 took or refused (testdata/judged.cases, judged by testdata/capture.sh):
// the same is taken and refused here, and saved the same.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "datapath/hook/fake_stack.h"
#include "datapath/iptables/iptables.h"

namespace nf::ipt {
namespace {

// Section title to text, of a file of "=== TITLE" sections.
std::vector<std::pair<std::string, std::string>> sections(const std::string& name) {
  const std::string here = __FILE__;
  std::ifstream in(here.substr(0, here.rfind('/')) + "/testdata/" + name);
  std::vector<std::pair<std::string, std::string>> out;
  std::string line;
  while (std::getline(in, line)) {
    if (line.starts_with("=== "))
      out.emplace_back(line.substr(4), "");
    else if (!out.empty())
      out.back().second += line + "\n";
  }
  return out;
}

// Cases where this program differs from the real one on purpose.
const std::map<std::string, const char*> kTolerated = {
    {"old style negation of an address", "iptables up to 1.4 wrote it so"},
    {"old style negation of a port", "iptables up to 1.4 wrote it so"},
    {"attached interface", "the real one takes the whole word, -ieth0, for the name; refused here"},
};

TEST(Judged, AsTheRealProgram) {
  ExtensionRegistry registry;
  register_base_extensions(registry);
  const auto cases = sections("judged.cases");
  const auto verdicts = sections("judged.real");
  ASSERT_GT(cases.size(), 90u);
  ASSERT_EQ(cases.size(), verdicts.size());
  for (size_t i = 0; i < cases.size(); ++i) {
    const auto& [title, text] = cases[i];
    const bool taken = verdicts[i].first == "yes " + title;
    ASSERT_TRUE(taken || verdicts[i].first == "no " + title) << title;
    FakeStack stack;
    Iptables tables(stack, registry);
    const Status s = tables.load(text, "text");
    if (kTolerated.contains(title)) {
      EXPECT_NE(s.ok(), taken) << title << ": no longer differs";
      continue;
    }
    EXPECT_EQ(s.ok(), taken) << title << ": " << (s.ok() ? "taken" : s.error().str());
    if (s.ok()) {
      EXPECT_EQ(tables.save({}), verdicts[i].second) << title;
    } else {
      EXPECT_EQ(s.error().file, "text") << title;
      EXPECT_GT(s.error().line, 0) << title;
      EXPECT_EQ(tables.save({}), "") << title << ": a refused text left something behind";
    }
  }
}

}  // namespace
}  // namespace nf::ipt
