// `iptables-restore` and `sysctl`, which change a running gateway.
#include <gtest/gtest.h>

#include "tools/commands/commands.h"
#include "tools/control/control_protocol.h"

namespace nf {
namespace {

constexpr char kFilter[] =
    "*filter\n"
    ":INPUT ACCEPT [7:700]\n"
    ":FORWARD DROP [0:0]\n"
    ":OUTPUT ACCEPT [0:0]\n"
    "[3:180] -A INPUT -p icmp -j ACCEPT\n"
    "COMMIT\n";

struct RunningGateway {
  Gateway gateway{GatewayOptions{.conntrack_buckets = 256}};
  CommandReply operator()(const std::vector<std::string>& words) { return run_command(gateway, words, kSecond); }
  CommandReply restore(std::vector<std::string> options, const std::string& text) {
    options.insert(options.begin(), "iptables-restore");
    options.insert(options.end(), {"--", "rules.v4", control::file_word(text)});
    return (*this)(options);
  }
  std::string saved() { return (*this)({"iptables-save", "-c"}).out; }
};

TEST(RestoreCommand, CountersOnlyWithC) {
  RunningGateway run;
  EXPECT_EQ(run.restore({"-c", "-w", "5"}, kFilter).exit_code, 0);
  EXPECT_EQ(run.saved(), kFilter);
  EXPECT_EQ(run.restore({}, kFilter).exit_code, 0);
  std::string zeroed = kFilter;
  zeroed.replace(zeroed.find("7:700"), 5, "0:0");
  zeroed.replace(zeroed.find("3:180"), 5, "0:0");
  EXPECT_EQ(run.saved(), zeroed);
}

TEST(RestoreCommand, OtherTablesStayAndNoflushAdds) {
  RunningGateway run;
  ASSERT_EQ(run.restore({}, kFilter).exit_code, 0);
  ASSERT_EQ(run.restore({}, "*raw\n:PREROUTING DROP [0:0]\nCOMMIT\n").exit_code, 0);
  EXPECT_NE(run.saved().find("-A INPUT -p icmp -j ACCEPT"), std::string::npos);
  EXPECT_NE(run.saved().find(":PREROUTING DROP"), std::string::npos);
  ASSERT_EQ(run.restore({"-n"}, "*filter\n-A INPUT -p udp -j DROP\nCOMMIT\n").exit_code, 0);
  EXPECT_NE(run.saved().find("-A INPUT -p icmp -j ACCEPT\n[0:0] -A INPUT -p udp -j DROP\n"), std::string::npos);
  ASSERT_EQ(run.restore({}, "*filter\n-A INPUT -p udp -j DROP\nCOMMIT\n").exit_code, 0);
  EXPECT_EQ(run.saved().find("icmp"), std::string::npos);
}

TEST(RestoreCommand, ErrorsNameTheLineAndChangeNothing) {
  RunningGateway run;
  ASSERT_EQ(run.restore({"-c"}, kFilter).exit_code, 0);
  const CommandReply r = run.restore({}, "*filter\n-A INPUT -p udp -j DROP\n-A INPUT -j NOWHERE\nCOMMIT\n");
  EXPECT_EQ(r.exit_code, 2);
  EXPECT_TRUE(r.err.starts_with("iptables-restore: rules.v4:3: ")) << r.err;
  EXPECT_EQ(run.saved(), kFilter);
  EXPECT_EQ(run.restore({"-T", "nat"}, kFilter).exit_code, 2);
  EXPECT_EQ(run.restore({"--frob"}, kFilter).exit_code, 2);
  EXPECT_EQ(run({"iptables-restore"}).exit_code, 2);
  EXPECT_EQ(run({"iptables-restore", "--", "rules.v4", "*filter"}).exit_code, 2);
  EXPECT_EQ(run.saved(), kFilter);
}

// What sysctl(8) of procps-ng 4.0.2 prints for the same words.
TEST(SysctlCommand, ShowAndSet) {
  RunningGateway run;
  const struct {
    std::vector<std::string> words;
    const char* out;
    int exit_code;
  } cases[] = {
      {{"net.ipv4.ip_forward"}, "net.ipv4.ip_forward = 0\n", 0},
      {{"-n", "net.ipv4.ip_forward"}, "0\n", 0},
      {{"-w", "net.ipv4.ip_forward=1"}, "net.ipv4.ip_forward = 1\n", 0},
      {{"-N", "net.ipv4.ip_forward"}, "net.ipv4.ip_forward\n", 0},
      {{"-q", "net.ipv4.ip_forward=0"}, "", 0},
      {{"-w", "net.ipv4.ip_forward"}, "", 2},
      {{"net.ipv4.nowhere"}, "", 2},
      {{"-e", "net.ipv4.nowhere"}, "", 0},
      {{"-e", "-w", "net.ipv4.nowhere=1"}, "", 0},
      {{"net.ipv4.nowhere=1", "net.ipv4.ip_forward=1"}, "net.ipv4.ip_forward = 1\n", 2},
      {{"net.ipv4.ip_forward="}, "", 2},
      {{"=1"}, "", 2},
      {{"net.ipv4.ip_forward=x"}, "", 2},
      {{}, "", 2},
      {{"--frob"}, "", 2},
  };
  for (const auto& c : cases) {
    std::vector<std::string> words{"sysctl"};
    words.insert(words.end(), c.words.begin(), c.words.end());
    const CommandReply r = run(words);
    EXPECT_EQ(r.out, c.out) << testing::PrintToString(c.words);
    EXPECT_EQ(r.exit_code, c.exit_code) << testing::PrintToString(c.words);
    EXPECT_EQ(r.err.empty(), c.exit_code == 0) << r.err;
  }
  EXPECT_NE(run({"sysctl", "-a"}).out.find("net.ipv4.ip_forward = 1\n"), std::string::npos);
}

}  // namespace
}  // namespace nf
