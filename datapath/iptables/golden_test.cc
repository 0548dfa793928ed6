// What testdata/NAME.rules prints, against what iptables-legacy 1.8.9 printed for it (testdata/capture.sh).
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "datapath/hook/fake_stack.h"
#include "datapath/iptables/iptables.h"

namespace nf::ipt {
namespace {

std::string read_file(const std::string& name) {
  const std::string here = __FILE__;
  std::ifstream in(here.substr(0, here.rfind('/')) + "/testdata/" + name);
  EXPECT_TRUE(in.good()) << name;
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

class GoldenTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    register_base_extensions(registry_);
    name_ = GetParam();
    const Status s = tables_.load(read_file(name_ + ".rules"), name_ + ".rules");
    ASSERT_TRUE(s.ok()) << s.error().str();
  }
  FakeStack stack_;
  ExtensionRegistry registry_;
  Iptables tables_{stack_, registry_};
  std::string name_;
};

TEST_P(GoldenTest, Save) {
  EXPECT_EQ(tables_.save({}), read_file(name_ + ".save"));
  EXPECT_EQ(tables_.save({.counters = true}), read_file(name_ + ".save-c"));
}

TEST_P(GoldenTest, SavedTextLoadsToItself) {
  const std::string saved = tables_.save({.counters = true});
  FakeStack stack;
  Iptables again(stack, registry_);
  const Status s = again.load(saved, "saved");
  ASSERT_TRUE(s.ok()) << s.error().str();
  // Tables are written in reverse order of first use, so the second time turns them round; table by table they agree.
  for (size_t i = 0; i < kTables; ++i) {
    const TableId id = static_cast<TableId>(i);
    EXPECT_EQ(again.has_table(id), tables_.has_table(id));
    EXPECT_EQ(again.save({.counters = true, .table = id}), tables_.save({.counters = true, .table = id}));
  }
  Iptables third(stack, registry_);
  ASSERT_TRUE(third.load(again.save({.counters = true}), "saved").ok());
  EXPECT_EQ(third.save({.counters = true}), saved);
}

TEST_P(GoldenTest, ListRules) { EXPECT_EQ(tables_.list_rules(TableId::kFilter, {}), read_file(name_ + ".S")); }

TEST_P(GoldenTest, ListRulesLoadsToTheSame) {
  FakeStack stack;
  Iptables again(stack, registry_);
  const std::string listed = tables_.list_rules(TableId::kFilter, {});
  const Status s = again.load(listed, "listed");
  ASSERT_TRUE(s.ok()) << s.error().str();
  EXPECT_EQ(again.list_rules(TableId::kFilter, {}), listed);
}

TEST_P(GoldenTest, List) {
  // The file is a run of "## -t TABLE [--line-numbers] -OPTIONSL" and what that printed.
  std::istringstream golden(read_file(name_ + ".list"));
  std::string line;
  std::string expected;
  std::string command;
  int compared = 0;
  const auto compare = [&] {
    if (command.empty()) return;
    std::istringstream words(command);
    std::string word;
    std::string table;
    ListOptions o{.numeric = false};
    words >> word >> word >> table;
    while (words >> word) {
      if (word == "--line-numbers") {
        o.line_numbers = true;
        continue;
      }
      o.verbose = word.find('v') != std::string::npos;
      o.exact = word.find('x') != std::string::npos;
      o.numeric = word.find('n') != std::string::npos;
    }
    const auto id = table_by_name(table);
    ASSERT_TRUE(id.has_value()) << table;
    const auto listed = tables_.list(*id, {}, o);
    ASSERT_TRUE(listed.ok());
    EXPECT_EQ(*listed, expected) << command;
    ++compared;
  };
  while (std::getline(golden, line)) {
    if (line.starts_with("## -t ")) {
      compare();
      command = line;
      expected.clear();
    } else {
      expected += line + "\n";
    }
  }
  compare();
  EXPECT_GE(compared, 24);  // two tables or more, each with six sets of options, with line numbers and without
}

INSTANTIATE_TEST_SUITE_P(Rules, GoldenTest, ::testing::Values("generic", "host"),
                         [](const auto& param_info) { return std::string(param_info.param); });

}  // namespace
}  // namespace nf::ipt
