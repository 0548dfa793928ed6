// Every scenario of netns-tests/scenarios on the engine in memory: they need no root and no namespace, so they run where
// the unit tests run, under the sanitizers too. The kernel and the gateway play them in netns-tests.
#include <gtest/gtest.h>

#include <string>

#include "tools/scenario/run.h"

namespace nf::scenario {
namespace {

TEST(AllScenarios, OnTheEngine) {
  const std::string here = __FILE__;
  const std::string top = here.substr(0, here.rfind("tools/scenario/"));
  RunOptions options;
  options.known = top + "netns-tests/known_differences.md";
  options.paths = {top + "netns-tests/scenarios"};
  EXPECT_EQ(run_scenarios(options), 0);
}

}  // namespace
}  // namespace nf::scenario
