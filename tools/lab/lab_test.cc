#include "tools/lab/lab.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace nf::lab {
namespace {

class LabTest : public testing::Test {
 protected:
  LabTest() {
    std::string pattern = testing::TempDir() + "/lab.XXXXXX";
    folder = mkdtemp(pattern.data());
  }
  ~LabTest() override {
    for (const std::string& f : files) unlink(f.c_str());
    rmdir(folder.c_str());
  }
  void write(const std::string& name, const std::string& text) {
    files.push_back(folder + "/" + name);
    std::FILE* f = std::fopen(files.back().c_str(), "wb");
    ASSERT_NE(f, nullptr);
    std::fwrite(text.data(), 1, text.size(), f);
    std::fclose(f);
  }
  std::string error() {
    const auto lab = read_lab(folder);
    if (lab.ok()) return "no error";
    const std::string text = lab.error().str();
    return text.starts_with(folder) ? text.substr(folder.size()) : text;
  }

  std::string folder;
  std::vector<std::string> files;
};

TEST_F(LabTest, Whole) {
  write("network", "link set lo up\naddr add 10.0.0.1/24 dev lo\n");
  write("sysctl.conf", "net.ipv4.ip_forward = 1\n");
  write("timeouts", "nfct add timeout a inet tcp established 100\nnfct add timeout b inet udp replied 5\n");
  const std::string rules = "*filter\nCOMMIT\n" + std::string(200000, '#') + "\n";
  write("rules.v4", rules);
  const auto lab = read_lab(folder);
  ASSERT_TRUE(lab.ok()) << lab.error().str();
  EXPECT_EQ(lab->network.size(), 2u);
  EXPECT_EQ(lab->sysctl.size(), 1u);
  EXPECT_EQ(lab->timeouts.size(), 2u);
  EXPECT_EQ(lab->timeouts_file, folder + "/timeouts");
  EXPECT_EQ(lab->rules, rules);
  EXPECT_EQ(lab->rules_file, folder + "/rules.v4");
}

TEST_F(LabTest, OnlyTheNetworkIsRequired) {
  EXPECT_EQ(error(), "/network: No such file or directory");
  write("network", "");
  const auto lab = read_lab(folder);
  ASSERT_TRUE(lab.ok()) << lab.error().str();
  EXPECT_TRUE(lab->network.empty());
  EXPECT_TRUE(lab->sysctl.empty());
  EXPECT_EQ(lab->rules, std::nullopt);
}

TEST_F(LabTest, Errors) {
  write("network", "link set lo up\nlink add\n");
  EXPECT_EQ(error(), "/network:2: \"type\" is missing");
  write("network", "link set lo up\n");
  write("sysctl.conf", "\nx\n");
  EXPECT_EQ(error(), "/sysctl.conf:2: \"x\" is not \"name = value\"");
  write("sysctl.conf", "");
  write("timeouts", "nfct add timeout a inet tcp\n");
  EXPECT_EQ(error(), "/timeouts:1: no state is named: the kernel does not take such a policy");
  write("timeouts", "");
  write("rules.v6", "");
  EXPECT_EQ(error(), "/rules.v6: IPv6 is not modelled");
}

TEST(Lab, NoFolder) {
  EXPECT_EQ(read_lab("/nonexistent/lab").error().str(), "/nonexistent/lab: no such lab: No such file or directory");
  EXPECT_EQ(read_lab(__FILE__).error().str(), std::string(__FILE__) + ": a lab is a folder, this is a file");
}

// The lab that comes with the project.
TEST(Lab, DockerBridge) {
  const std::string here = std::string(__FILE__).substr(0, std::string(__FILE__).rfind("/tools/"));
  const auto lab = read_lab(here + "/netns-tests/labs/docker-bridge");
  ASSERT_TRUE(lab.ok()) << lab.error().str();
  EXPECT_FALSE(lab->network.empty());
  EXPECT_FALSE(lab->sysctl.empty());
  EXPECT_TRUE(lab->rules.has_value());
}

}  // namespace
}  // namespace nf::lab
