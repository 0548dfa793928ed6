// How targets are printed: save() and list() of every spelling against the real program.
// Goldens: iptables-legacy 1.8.9 on Linux 6.18 in a namespace; each row was added alone, then read back with
// iptables-legacy-save, iptables-legacy -L -n -v and iptables-legacy -L -v (service names are those of Debian 12's
// /etc/services).
#include "datapath/iptables/xt_test_support.h"

namespace nf::ipt {
namespace {

struct Case {
  const char* extension;
  uint8_t protocol;
  const char* words;
  const char* saved;
  const char* listed;                  // -n
  const char* listed_names = nullptr;  // without -n, where it differs
};

const Case kCases[] = {
    {"TOS", 0, "--set-tos 0x10", " --set-tos 0x10/0xff", " TOS set 0x10/0xff"},
    {"TOS", 0, "--set-tos 16", " --set-tos 0x10/0xff", " TOS set 0x10/0xff"},
    {"TOS", 0, "--set-tos Minimize-Delay", " --set-tos 0x10/0x3f", " TOS set 0x10/0x3f", "  TOS setMinimize-Delay"},
    {"TOS", 0, "--set-tos minimize-cost", " --set-tos 0x02/0x3f", " TOS set 0x02/0x3f", "  TOS setMinimize-Cost"},
    {"TOS", 0, "--set-tos Normal-Service", " --set-tos 0x00/0x3f", " TOS set 0x00/0x3f", "  TOS setNormal-Service"},
    {"TOS", 0, "--set-tos 0x10/0x3f", " --set-tos 0x10/0x3f", " TOS set 0x10/0x3f", "  TOS setMinimize-Delay"},
    {"TOS", 0, "--set-tos 4/0xff", " --set-tos 0x04/0xff", " TOS set 0x04/0xff"},
    {"TOS", 0, "--set-tos Maximize-Throughput", " --set-tos 0x08/0x3f", " TOS set 0x08/0x3f",
     "  TOS setMaximize-Throughput"},
    {"TOS", 0, "--set-tos 0", " --set-tos 0x00/0xff", " TOS set 0x00/0xff", " TOS and 0x00"},
    {"TOS", 0, "--set-tos 8/0x1e", " --set-tos 0x08/0x1e", " TOS set 0x08/0x1e"},
    {"TOS", 0, "--and-tos 0x12", " --set-tos 0x00/0xed", " TOS set 0x00/0xed", " TOS and 0x12"},
    {"TOS", 0, "--or-tos 0x12", " --set-tos 0x12/0x12", " TOS set 0x12/0x12", " TOS or 0x12"},
    {"TOS", 0, "--xor-tos 0x12", " --set-tos 0x12/0x00", " TOS set 0x12/0x00", " TOS xor 0x12"},
    {"TOS", 0, "--or-tos 0", " --set-tos 0x00/0x00", " TOS set 0x00/0x00", " TOS and 0xff"},
    {"TOS", 0, "--and-tos 255", " --set-tos 0x00/0x00", " TOS set 0x00/0x00", " TOS and 0xff"},
    {"TOS", 0, "--and-tos 0", " --set-tos 0x00/0xff", " TOS set 0x00/0xff", " TOS and 0x00"},
    {"DSCP", 0, "--set-dscp 0", " --set-dscp 0x00", " DSCP set 0x00"},
    {"DSCP", 0, "--set-dscp 0x2e", " --set-dscp 0x2e", " DSCP set 0x2e"},
    {"DSCP", 0, "--set-dscp 63", " --set-dscp 0x3f", " DSCP set 0x3f"},
    {"DSCP", 0, "--set-dscp 46", " --set-dscp 0x2e", " DSCP set 0x2e"},
    {"DSCP", 0, "--set-dscp-class EF", " --set-dscp 0x2e", " DSCP set 0x2e"},
    {"DSCP", 0, "--set-dscp-class be", " --set-dscp 0x00", " DSCP set 0x00"},
    {"DSCP", 0, "--set-dscp-class CS7", " --set-dscp 0x38", " DSCP set 0x38"},
    {"DSCP", 0, "--set-dscp-class AF31", " --set-dscp 0x1a", " DSCP set 0x1a"},
    {"DSCP", 0, "--set-dscp-class cs0", " --set-dscp 0x00", " DSCP set 0x00"},
    {"DSCP", 0, "--set-dscp-class AF11x", " --set-dscp 0x0a", " DSCP set 0x0a"},
    {"ECN", 6, "--ecn-tcp-remove", " --ecn-tcp-remove", " ECN TCP remove"},
    {"LOG", 0, "", "", " LOG flags 0 level 4", " LOG level warn"},
    {"LOG", 0, "--log-prefix 'pre: '", " --log-prefix \"pre: \"", " LOG flags 0 level 4 prefix \"pre: \"",
     " LOG level warn prefix \"pre: \""},
    {"LOG", 0, "--log-prefix x", " --log-prefix x", " LOG flags 0 level 4 prefix \"x\"",
     " LOG level warn prefix \"x\""},
    {"LOG", 0, "--log-prefix 'with space'", " --log-prefix \"with space\"",
     " LOG flags 0 level 4 prefix \"with space\"", " LOG level warn prefix \"with space\""},
    {"LOG", 0, "--log-prefix q\"uote", " --log-prefix \"q\\\"uote\"", " LOG flags 0 level 4 prefix \"q\"uote\"",
     " LOG level warn prefix \"q\"uote\""},
    {"LOG", 0, "--log-prefix aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", " --log-prefix aaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     " LOG flags 0 level 4 prefix \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
     " LOG level warn prefix \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""},
    {"LOG", 0, "--log-prefix aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", " --log-prefix aaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     " LOG flags 0 level 4 prefix \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
     " LOG level warn prefix \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""},
    {"LOG", 0, "--log-prefix '[UFW BLOCK] '", " --log-prefix \"[UFW BLOCK] \"",
     " LOG flags 0 level 4 prefix \"[UFW BLOCK] \"", " LOG level warn prefix \"[UFW BLOCK] \""},
    {"LOG", 0, "--log-level debug", " --log-level 7", " LOG flags 0 level 7", " LOG level debug"},
    {"LOG", 0, "--log-level info", " --log-level 6", " LOG flags 0 level 6", " LOG level info"},
    {"LOG", 0, "--log-level notice", " --log-level 5", " LOG flags 0 level 5", " LOG level notice"},
    {"LOG", 0, "--log-level warning", "", " LOG flags 0 level 4", " LOG level warn"},
    {"LOG", 0, "--log-level error", " --log-level 3", " LOG flags 0 level 3", " LOG level err"},
    {"LOG", 0, "--log-level crit", " --log-level 2", " LOG flags 0 level 2", " LOG level crit"},
    {"LOG", 0, "--log-level alert", " --log-level 1", " LOG flags 0 level 1", " LOG level alert"},
    {"LOG", 0, "--log-level emerg", " --log-level 0", " LOG flags 0 level 0", " LOG level emerg"},
    {"LOG", 0, "--log-level panic", " --log-level 0", " LOG flags 0 level 0", " LOG level emerg"},
    {"LOG", 0, "--log-level 7", " --log-level 7", " LOG flags 0 level 7", " LOG level debug"},
    {"LOG", 0, "--log-level 0", " --log-level 0", " LOG flags 0 level 0", " LOG level emerg"},
    {"LOG", 0, "--log-level 4", "", " LOG flags 0 level 4", " LOG level warn"},
    {"LOG", 0, "--log-tcp-sequence --log-tcp-options --log-ip-options --log-uid --log-macdecode",
     " --log-tcp-sequence --log-tcp-options --log-ip-options --log-uid --log-macdecode", " LOG flags 47 level 4",
     " LOG level warn tcp-sequence tcp-options ip-options uid macdecode"},
    {"LOG", 0, "--log-uid --log-prefix p --log-level info --log-macdecode",
     " --log-prefix p --log-level 6 --log-uid --log-macdecode", " LOG flags 40 level 6 prefix \"p\"",
     " LOG level info uid macdecode prefix \"p\""},
    {"LOG", 0, "--log-tcp-options", " --log-tcp-options", " LOG flags 2 level 4", " LOG level warn tcp-options"},
    {"LOG", 0, "--log-ip-options --log-tcp-sequence", " --log-tcp-sequence --log-ip-options", " LOG flags 5 level 4",
     " LOG level warn tcp-sequence ip-options"},
    {"REJECT", 0, "", " --reject-with icmp-port-unreachable", " reject-with icmp-port-unreachable"},
    {"REJECT", 0, "--reject-with icmp-net-unreachable", " --reject-with icmp-net-unreachable",
     " reject-with icmp-net-unreachable"},
    {"REJECT", 0, "--reject-with net-unreach", " --reject-with icmp-net-unreachable",
     " reject-with icmp-net-unreachable"},
    {"REJECT", 0, "--reject-with icmp-host-unreachable", " --reject-with icmp-host-unreachable",
     " reject-with icmp-host-unreachable"},
    {"REJECT", 0, "--reject-with host-unreach", " --reject-with icmp-host-unreachable",
     " reject-with icmp-host-unreachable"},
    {"REJECT", 0, "--reject-with icmp-proto-unreachable", " --reject-with icmp-proto-unreachable",
     " reject-with icmp-proto-unreachable"},
    {"REJECT", 0, "--reject-with proto-unreach", " --reject-with icmp-proto-unreachable",
     " reject-with icmp-proto-unreachable"},
    {"REJECT", 0, "--reject-with icmp-port-unreachable", " --reject-with icmp-port-unreachable",
     " reject-with icmp-port-unreachable"},
    {"REJECT", 0, "--reject-with port-unreach", " --reject-with icmp-port-unreachable",
     " reject-with icmp-port-unreachable"},
    {"REJECT", 0, "--reject-with icmp-net-prohibited", " --reject-with icmp-net-prohibited",
     " reject-with icmp-net-prohibited"},
    {"REJECT", 0, "--reject-with net-prohib", " --reject-with icmp-net-prohibited", " reject-with icmp-net-prohibited"},
    {"REJECT", 0, "--reject-with icmp-host-prohibited", " --reject-with icmp-host-prohibited",
     " reject-with icmp-host-prohibited"},
    {"REJECT", 0, "--reject-with host-prohib", " --reject-with icmp-host-prohibited",
     " reject-with icmp-host-prohibited"},
    {"REJECT", 0, "--reject-with icmp-admin-prohibited", " --reject-with icmp-admin-prohibited",
     " reject-with icmp-admin-prohibited"},
    {"REJECT", 0, "--reject-with admin-prohib", " --reject-with icmp-admin-prohibited",
     " reject-with icmp-admin-prohibited"},
    {"REJECT", 0, "--reject-with ICMP-HOST", " --reject-with icmp-host-unreachable",
     " reject-with icmp-host-unreachable"},
    {"REJECT", 0, "--reject-with icmp", " --reject-with icmp-net-unreachable", " reject-with icmp-net-unreachable"},
    {"REJECT", 0, "--reject-with net", " --reject-with icmp-net-unreachable", " reject-with icmp-net-unreachable"},
    {"REJECT", 0, "--reject-with host", " --reject-with icmp-host-unreachable", " reject-with icmp-host-unreachable"},
    {"REJECT", 0, "--reject-with admin", " --reject-with icmp-admin-prohibited", " reject-with icmp-admin-prohibited"},
    {"REJECT", 0, "--reject-with icmp-net-p", " --reject-with icmp-net-prohibited", " reject-with icmp-net-prohibited"},
    {"REJECT", 6, "--reject-with tcp-reset", " --reject-with tcp-reset", " reject-with tcp-reset"},
    {"REJECT", 6, "--reject-with tcp-rst", " --reject-with tcp-reset", " reject-with tcp-reset"},
    {"REJECT", 6, "--reject-with tcp", " --reject-with tcp-reset", " reject-with tcp-reset"},
    {"MARK", 0, "--set-mark 1", " --set-xmark 0x1/0xffffffff", " MARK set 0x1"},
    {"MARK", 0, "--set-mark 0x10/0xf0", " --set-xmark 0x10/0xf0", " MARK xset 0x10/0xf0"},
    {"MARK", 0, "--set-mark 0", " --set-xmark 0x0/0xffffffff", " MARK and 0x0"},
    {"MARK", 0, "--set-mark 0xff/0xff", " --set-xmark 0xff/0xff", " MARK or 0xff"},
    {"MARK", 0, "--set-mark 5/0", " --set-xmark 0x5/0x5", " MARK or 0x5"},
    {"MARK", 0, "--set-mark 0x3/0xffffffff", " --set-xmark 0x3/0xffffffff", " MARK set 0x3"},
    {"MARK", 0, "--set-xmark 1", " --set-xmark 0x1/0xffffffff", " MARK set 0x1"},
    {"MARK", 0, "--set-xmark 0x10/0xf0", " --set-xmark 0x10/0xf0", " MARK xset 0x10/0xf0"},
    {"MARK", 0, "--set-xmark 0", " --set-xmark 0x0/0xffffffff", " MARK and 0x0"},
    {"MARK", 0, "--set-xmark 0xff/0xff", " --set-xmark 0xff/0xff", " MARK or 0xff"},
    {"MARK", 0, "--set-xmark 5/0", " --set-xmark 0x5/0x0", " MARK xor 0x5"},
    {"MARK", 0, "--set-xmark 0x3/0xffffffff", " --set-xmark 0x3/0xffffffff", " MARK set 0x3"},
    {"MARK", 0, "--and-mark 0xff", " --set-xmark 0x0/0xffffff00", " MARK and 0xff"},
    {"MARK", 0, "--and-mark 0", " --set-xmark 0x0/0xffffffff", " MARK and 0x0"},
    {"MARK", 0, "--and-mark 16", " --set-xmark 0x0/0xffffffef", " MARK and 0x10"},
    {"MARK", 0, "--and-mark 0xffffffff", " --set-xmark 0x0/0x0", " MARK and 0xffffffff"},
    {"MARK", 0, "--or-mark 0xff", " --set-xmark 0xff/0xff", " MARK or 0xff"},
    {"MARK", 0, "--or-mark 0", " --set-xmark 0x0/0x0", " MARK and 0xffffffff"},
    {"MARK", 0, "--or-mark 16", " --set-xmark 0x10/0x10", " MARK or 0x10"},
    {"MARK", 0, "--or-mark 0xffffffff", " --set-xmark 0xffffffff/0xffffffff", " MARK or 0xffffffff"},
    {"MARK", 0, "--xor-mark 0xff", " --set-xmark 0xff/0x0", " MARK xor 0xff"},
    {"MARK", 0, "--xor-mark 0", " --set-xmark 0x0/0x0", " MARK and 0xffffffff"},
    {"MARK", 0, "--xor-mark 16", " --set-xmark 0x10/0x0", " MARK xor 0x10"},
    {"MARK", 0, "--xor-mark 0xffffffff", " --set-xmark 0xffffffff/0x0", " MARK xor 0xffffffff"},
    {"TTL", 0, "--ttl-set 64", " --ttl-set 64", " TTL set to 64"},
    {"TTL", 0, "--ttl-inc 1", " --ttl-inc 1", " TTL increment by 1"},
    {"TTL", 0, "--ttl-dec 255", " --ttl-dec 255", " TTL decrement by 255"},
    {"TTL", 0, "--ttl-set 0", " --ttl-set 0", " TTL set to 0"},
};

RuleContext target_context(const Case& c) {
  const bool reject = std::string_view(c.extension) == "REJECT";
  return rule_context(c.protocol, reject ? TableId::kFilter : TableId::kMangle);
}

class TargetText : public testing::TestWithParam<Case> {};

TEST_P(TargetText, PrintsAsIptables) {
  const Case& c = GetParam();
  const auto extension = make_target(c.extension, c.words, target_context(c));
  EXPECT_EQ(save_text(*extension), c.saved) << c.words;
  EXPECT_EQ(list_text(*extension, true), c.listed) << c.words;
  EXPECT_EQ(list_text(*extension, false), c.listed_names != nullptr ? c.listed_names : c.listed) << c.words;
}

INSTANTIATE_TEST_SUITE_P(Goldens, TargetText, testing::ValuesIn(kCases));

// What was saved is read again to the same text.
TEST(TargetTextSuite, SavedTextIsAFixedPoint) {
  for (const Case& c : kCases) {
    const RuleContext rule = target_context(c);
    const std::string saved = save_text(*make_target(c.extension, c.words, rule));
    std::string again = saved;
    if (again.find('"') != std::string::npos) continue;  // quotes are the rule parser's business
    EXPECT_EQ(save_text(*make_target(c.extension, again, rule)), saved) << c.words;
  }
}

}  // namespace
}  // namespace nf::ipt
