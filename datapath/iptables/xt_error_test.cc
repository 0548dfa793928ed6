// What the extensions refuse, and in which words.
// Goldens: stderr of iptables-legacy 1.8.9 on Linux 6.18; where that says "Run `dmesg' for more information", the line
// the kernel logged then.
#include <optional>

#include "datapath/iptables/xt_test_support.h"

namespace nf::ipt {
namespace {

struct Case {
  const char* extension;
  uint8_t protocol;
  const char* words;
  const char* text;                             // of the error; of save() for what is accepted
  std::optional<TableId> table = std::nullopt;  // default: filter for matches and REJECT, mangle for other targets
  const char* chain = "FORWARD";
};

const Case kRefused[] = {
    {"tcp", 6, "--dport abc", "invalid port/service `abc' specified"},
    {"tcp", 6, "--dport 70000", "invalid port/service `70000' specified"},
    {"tcp", 6, "--dport -1", "invalid port/service `-1' specified"},
    {"tcp", 6, "--dport 80x", "invalid port/service `80x' specified"},
    {"tcp", 6, "--dport 100:50", "invalid portrange (min > max)"},
    {"tcp", 6, "--dport 99999", "invalid port/service `99999' specified"},
    {"tcp", 6, "--dport 1:2:3", "invalid port/service `2:3' specified"},
    {"tcp", 6, "--dport ''", "invalid port/service `' specified"},
    {"tcp", 6, "--dport 0x10000", "invalid port/service `0x10000' specified"},
    {"tcp", 6, "--dport http:x", "invalid port/service `x' specified"},
    {"tcp", 6, "--dport 65616", "invalid port/service `65616' specified"},
    {"tcp", 6, "--dport 4294967376", "invalid port/service `4294967376' specified"},
    {"tcp", 6, "--dport 80 --dport 81", "Only one `--destination-port' allowed"},
    {"tcp", 6, "--sport 80 --source-port 81", "Only one `--source-port' allowed"},
    {"tcp", 6, "--dport", "option \"--dport\" requires an argument"},
    {"udp", 17, "--dport abc", "Port \"abc\" does not resolve to anything."},
    {"udp", 17, "--dport -1", "Port \"-1\" does not resolve to anything."},
    {"udp", 17, "--dport 80x", "Port \"80x\" does not resolve to anything."},
    {"udp", 17, "--dport 1:2:3", "udp: Too many components for option \"--destination-port\" (max: 2)"},
    {"udp", 17, "--dport 0x50", "Port \"0x50\" does not resolve to anything."},
    {"udp", 17, "--dport 0x10000", "Port \"0x10000\" does not resolve to anything."},
    {"udp", 17, "--dport http:x", "Port \"x\" does not resolve to anything."},
    {"udp", 17, "--dport 80 --dport 81", "udp: option \"--destination-port\" can only be used once."},
    {"udp", 17, "--sport 80 --source-port 81", "udp: option \"--source-port\" can only be used once."},
    {"udp", 17, "--dport", "option \"--dport\" requires an argument"},
    {"tcp", 6, "--syn --tcp-flags ALL SYN", "Only one of `--syn' or `--tcp-flags'  allowed"},
    {"tcp", 6, "--tcp-flags ALL FOO", "Unknown TCP flag `FOO'"},
    {"tcp", 6, "--tcp-flags X FIN", "Unknown TCP flag `X'"},
    {"tcp", 6, "--tcp-flags ALL", "--tcp-flags requires two args."},
    {"tcp", 6, "--tcp-flags ALL --syn", "--tcp-flags requires two args."},
    {"tcp", 6, "--tcp-option 0", "Bad TCP option \"0\""},
    {"tcp", 6, "--tcp-option 256", "Bad TCP option \"256\""},
    {"tcp", 6, "--tcp-option x", "Bad TCP option \"x\""},
    {"tcp", 6, "--tcp-option -1", "Bad TCP option \"-1\""},
    {"tcp", 6, "--tcp-option 2 --tcp-option 3", "Only one `--tcp-option' allowed"},
    {"tcp", 0, "--dport 80", "tcp match: only valid for protocol 6"},
    {"tcp", 17, "--dport 80", "tcp match: only valid for protocol 6"},
    {"udp", 6, "--dport 80", "udp match: only valid for protocol 17"},
    {"icmp", 6, "--icmp-type 8", "icmp match: only valid for protocol 1"},
    {"udp", 0, "", "udp match: only valid for protocol 17"},
    {"icmp", 1, "--icmp-type foo", "Unknown ICMP type `foo'"},
    {"icmp", 1, "--icmp-type 256", "Unknown ICMP type `256'"},
    {"icmp", 1, "--icmp-type 8/x", "Unknown ICMP code `8/x'"},
    {"icmp", 1, "--icmp-type 8/256", "Unknown ICMP code `8/256'"},
    {"icmp", 1, "--icmp-type 8/0x", "unknown character x"},
    {"icmp", 1, "--icmp-type 8:9", "ICMP type range not supported"},
    {"icmp", 1, "--icmp-type host", "Ambiguous ICMP type `host': `host-unreachable' or `host-unknown'?"},
    {"icmp", 1, "--icmp-type 3/1/2", "unknown character /"},
    {"icmp", 1, "--icmp-type ''", "Ambiguous ICMP type `': `any' or `echo-reply'?"},
    {"icmp", 1, "--icmp-type t", "Ambiguous ICMP type `t': `TOS-network-unreachable' or `TOS-host-unreachable'?"},
    {"icmp", 1, "--icmp-type -1", "Unknown ICMP type `-1'"},
    {"icmp", 1, "--icmp-type '8 '", "unknown character  "},
    {"icmp", 1, "", "icmp: option \"--icmp-type\" must be specified"},
    {"icmp", 1, "--icmp-type 8 --icmp-type 0", "icmp: option \"--icmp-type\" can only be used once."},
    {"addrtype", 0, "--src-type FOO", "addrtype: bad type \"FOO\""},
    {"addrtype", 0, "--src-type LOCAL,", "addrtype: bad type \"\""},
    {"addrtype", 0, "--src-type LOCAL,FOO", "addrtype: bad type \"FOO\""},
    {"addrtype", 0, "--src-type ,LOCAL", "addrtype: bad type `,LOCAL'"},
    {"addrtype", 0, "--src-type ''", "addrtype: bad type \"\""},
    {"addrtype", 0, "", "addrtype: you must specify --src-type or --dst-type"},
    {"addrtype", 0, "--limit-iface-in", "addrtype: you must specify --src-type or --dst-type"},
    {"addrtype", 0, "--src-type LOCAL --src-type LOCAL", "addrtype: option \"--src-type\" can only be used once."},
    {"addrtype", 0, "! --limit-iface-in --src-type LOCAL", "addrtype: option \"--limit-iface-in\" cannot be inverted."},
    {"addrtype", 0, "--src-type LOCAL --limit-iface-in --limit-iface-out",
     "addrtype: option \"--limit-iface-in\" cannot be used together with \"--limit-iface-out\"."},
    {"addrtype", 0, "--src-type LOCAL --limit-iface-in",
     "xt_addrtype: input interface limitation not valid in POSTROUTING and OUTPUT", TableId::kFilter, "OUTPUT"},
    {"addrtype", 0, "--src-type LOCAL --limit-iface-out",
     "xt_addrtype: output interface limitation not valid in PREROUTING and INPUT", TableId::kFilter, "INPUT"},
    {"addrtype", 0, "--src-type LOCAL --limit-iface-in",
     "xt_addrtype: input interface limitation not valid in POSTROUTING and OUTPUT", TableId::kMangle, "POSTROUTING"},
    {"comment", 0, "", "comment: option \"--comment\" must be specified"},
    {"comment", 0, "--comment a --comment b", "comment: option \"--comment\" can only be used once."},
    {"comment", 0, "! --comment a", "comment: option \"--comment\" cannot be inverted."},
    {"multiport", 0, "--dports 80", "multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'"},
    {"multiport", 1, "--dports 80", "multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP"},
    {"multiport", 6, "", "multiport expection an option"},
    {"multiport", 6, "--dports 80,", "invalid port/service `' specified"},
    {"multiport", 6, "--dports abc", "invalid port/service `abc' specified"},
    {"multiport", 6, "--dports 80:70", "invalid portrange specified"},
    {"multiport", 6, "--dports 80:80", "invalid portrange specified"},
    {"multiport", 6, "--dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", "too many ports specified"},
    {"multiport", 6, "--dports 1:2,3:4,5:6,7:8,9:10,11:12,13:14,15:16", "too many ports specified"},
    {"multiport", 6, "--dports 70000", "invalid port/service `70000' specified"},
    {"multiport", 6, "--dports ''", "invalid port/service `' specified"},
    {"multiport", 6, "--dports 80:", "invalid port/service `' specified"},
    {"multiport", 6, "--dports :80", "invalid port/service `' specified"},
    {"multiport", 6, "--dports !80", "invalid port/service `!80' specified"},
    {"multiport", 6, "--dports 80 --sports 80",
     "multiport: option \"--source-ports\" cannot be used together with \"--destination-ports\"."},
    {"multiport", 6, "--dports 80 --destination-ports 80",
     "multiport: option \"--destination-ports\" can only be used once."},
    {"multiport", 6, "--ports 1 --sports 80",
     "multiport: option \"--source-ports\" cannot be used together with \"--ports\"."},
    {"mark", 0, "--mark x", "mark: bad integer value for option \"--mark\", or out of range."},
    {"mark", 0, "--mark 0x100000000", "mark: bad integer value for option \"--mark\", or out of range."},
    {"mark", 0, "--mark 1/x", "mark: bad integer value for option \"--mark\", or out of range."},
    {"mark", 0, "--mark 1x", "mark: trailing garbage after value for option \"--mark\"."},
    {"mark", 0, "--mark 1/2x", "mark: trailing garbage after value for option \"--mark\"."},
    {"mark", 0, "--mark -1", "mark: bad integer value for option \"--mark\", or out of range."},
    {"mark", 0, "--mark ''", "mark: bad integer value for option \"--mark\", or out of range."},
    {"mark", 0, "", "mark: option \"--mark\" must be specified"},
    {"mark", 0, "--mark 1 --mark 2", "mark: option \"--mark\" can only be used once."},
    {"limit", 0, "--limit 0/sec", "bad rate \"0/sec\"'"},
    {"limit", 0, "--limit x", "bad rate \"x\"'"},
    {"limit", 0, "--limit 1/foo", "bad rate \"1/foo\"'"},
    {"limit", 0, "--limit 1/", "bad rate \"1/\"'"},
    {"limit", 0, "--limit 10001/sec", "Rate too fast \"10001/sec\""},
    {"limit", 0, "--limit 99999/second", "Rate too fast \"99999/second\""},
    {"limit", 0, "--limit -5/sec", "Rate too fast \"-5/sec\""},
    {"limit", 0, "--limit 1/secondx", "bad rate \"1/secondx\"'"},
    {"limit", 0, "--limit-burst 10001", "limit: bad value for option \"--limit-burst\", or out of range (0-10000)."},
    {"limit", 0, "--limit-burst x", "limit: bad value for option \"--limit-burst\", or out of range (0-10000)."},
    {"limit", 0, "--limit-burst 0", "xt_limit: Overflow, try lower: 12000000/0"},
    {"limit", 0, "--limit-burst -1", "limit: bad value for option \"--limit-burst\", or out of range (0-10000)."},
    {"limit", 0, "! --limit 1/sec", "limit: option \"--limit\" cannot be inverted."},
    {"limit", 0, "--limit 1/day --limit-burst 10", "xt_limit: Overflow, try lower: 864000000/10"},
    {"limit", 0, "--limit 1/sec --limit 2/sec", "limit: option \"--limit\" can only be used once."},
    {"ttl", 0, "--ttl-eq 256", "ttl: bad value for option \"--ttl-eq\", or out of range (0-255)."},
    {"ttl", 0, "--ttl-eq x", "ttl: bad value for option \"--ttl-eq\", or out of range (0-255)."},
    {"ttl", 0, "--ttl-eq -1", "ttl: bad value for option \"--ttl-eq\", or out of range (0-255)."},
    {"ttl", 0, "", "TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt"},
    {"ttl", 0, "--ttl-eq 1 --ttl-lt 2", "ttl: option \"--ttl-lt\" cannot be used together with \"--ttl-eq\"."},
    {"ttl", 0, "! --ttl-lt 1", "ttl: option \"--ttl-lt\" cannot be inverted."},
    {"ttl", 0, "--ttl-eq 1 --ttl 1", "ttl: option \"--ttl-eq\" can only be used once."},
    {"ttl", 0, "--ttl-gt 1 --ttl-lt 3", "ttl: option \"--ttl-lt\" cannot be used together with \"--ttl-gt\"."},
    {"pkttype", 0, "--pkt-type foo", "Bad packet type 'foo'"},
    {"pkttype", 0, "", "pkttype: option \"--pkt-type\" must be specified"},
    {"pkttype", 0, "--pkt-type outgoing", "Bad packet type 'outgoing'"},
    {"length", 0, "--length x", "length: bad value for option \"--length\" near \"x\", or out of range (0-65535)."},
    {"length", 0, "--length 65536",
     "length: bad value for option \"--length\" near \"65536\", or out of range (0-65535)."},
    {"length", 0, "--length 1:2:3", "length: Too many components for option \"--length\" (max: 2)"},
    {"length", 0, "--length 1-2", "length: Argument to \"--length\" has unexpected characters near \"-2\"."},
    {"length", 0, "--length 1:x", "length: bad value for option \"--length\" near \"x\", or out of range (0-65535)."},
    {"length", 0, "", "length: option \"--length\" must be specified"},
    {"mac", 0, "--mac-source 00:11:22:33:44", "Invalid MAC address specified."},
    {"mac", 0, "--mac-source 00:11:22:33:44:gg", "Invalid MAC address specified."},
    {"mac", 0, "--mac-source 0011.2233.4455", "Invalid MAC address specified."},
    {"mac", 0, "--mac-source 00:11:22:33:44:55:66", "Invalid MAC address specified."},
    {"mac", 0, "--mac-source 000:1:2:3:4:5", "Invalid MAC address specified."},
    {"mac", 0, "", "mac: option \"--mac-source\" must be specified"},
    {"mac", 0, "--mac-source 00:11:22:33:44:55",
     "mac match: used from hooks OUTPUT, but only valid from PREROUTING/INPUT/FORWARD", TableId::kFilter, "OUTPUT"},
    {"mac", 0, "--mac-source 00:11:22:33:44:55",
     "mac match: used from hooks POSTROUTING, but only valid from PREROUTING/INPUT/FORWARD", TableId::kMangle,
     "POSTROUTING"},
    {"tos", 0, "--tos 256", "Symbolic name \"256\" is unknown"},
    {"TOS", 0, "--set-tos 256", "Symbolic name \"256\" is unknown"},
    {"tos", 0, "--tos foo", "Symbolic name \"foo\" is unknown"},
    {"TOS", 0, "--set-tos foo", "Symbolic name \"foo\" is unknown"},
    {"tos", 0, "--tos 1/256", "Illegal value: \"1/256\""},
    {"TOS", 0, "--set-tos 1/256", "Illegal value: \"1/256\""},
    {"tos", 0, "--tos 1/x", "Illegal value: \"1/x\""},
    {"TOS", 0, "--set-tos 1/x", "Illegal value: \"1/x\""},
    {"tos", 0, "--tos 1x", "Illegal value: \"1x\""},
    {"TOS", 0, "--set-tos 1x", "Illegal value: \"1x\""},
    {"tos", 0, "", "tos: option \"--tos\" must be specified"},
    {"TOS", 0, "", "TOS: An action is required"},
    {"TOS", 0, "--set-tos 1", "TOS target: only valid in mangle table, not filter", TableId::kFilter, "FORWARD"},
    {"TOS", 0, "--set-tos 1 --or-tos 1", "TOS: option \"--set-tos\" cannot be used together with \"--or-tos\"."},
    {"TOS", 0, "! --set-tos 1", "TOS: option \"--set-tos\" cannot be inverted."},
    {"dscp", 0, "", "DSCP match: Parameter --dscp is required"},
    {"dscp", 0, "--dscp 64", "dscp: bad value for option \"--dscp\", or out of range (0-63)."},
    {"dscp", 0, "--dscp-class ZZ", "Invalid DSCP value `ZZ'"},
    {"dscp", 0, "--dscp 1 --dscp-class EF", "dscp: option \"--dscp\" cannot be used together with \"--dscp-class\"."},
    {"DSCP", 0, "", "DSCP target: Parameter --set-dscp is required"},
    {"DSCP", 0, "--set-dscp 64", "DSCP: bad value for option \"--set-dscp\", or out of range (0-63)."},
    {"DSCP", 0, "--set-dscp-class ZZ", "Invalid DSCP value `ZZ'"},
    {"DSCP", 0, "--set-dscp 1 --set-dscp-class EF",
     "DSCP: option \"--set-dscp\" cannot be used together with \"--set-dscp-class\"."},
    {"DSCP", 0, "--set-dscp 1", "DSCP target: only valid in mangle table, not filter", TableId::kFilter, "FORWARD"},
    {"ecn", 0, "", "ECN match: some option required"},
    {"ecn", 0, "--ecn-tcp-cwr", "xt_ecn: cannot match TCP bits for non-tcp packets"},
    {"ecn", 17, "--ecn-tcp-ece", "xt_ecn: cannot match TCP bits for non-tcp packets"},
    {"ecn", 0, "--ecn-ip-ect 4", "ecn: bad value for option \"--ecn-ip-ect\", or out of range (0-3)."},
    {"ECN", 0, "--ecn-tcp-remove", "ipt_ECN: cannot use operation on non-tcp rule"},
    {"ECN", 6, "", "ECN target: An operation is required"},
    {"ECN", 6, "--ecn-tcp-remove", "ECN target: only valid in mangle table, not filter", TableId::kFilter, "FORWARD"},
    {"LOG", 0, "--log-prefix ''", "Argument must have a minimum length of 1 characters"},
    {"LOG", 0, "--log-prefix 'a\nb'", "Newlines not allowed in --log-prefix"},
    {"LOG", 0, "--log-level 8", "log level \"8\" unknown"},
    {"LOG", 0, "--log-level foo", "log level \"foo\" unknown"},
    {"LOG", 0, "--log-level warn", "log level \"warn\" unknown"},
    {"LOG", 0, "--log-level err", "log level \"err\" unknown"},
    {"LOG", 0, "--log-uid --log-uid", "LOG: option \"--log-uid\" can only be used once."},
    {"LOG", 0, "! --log-uid", "LOG: option \"--log-uid\" cannot be inverted."},
    {"REJECT", 0, "--reject-with foo", "unknown reject type \"foo\""},
    {"REJECT", 0, "--reject-with tcp-reset", "ipt_REJECT: TCP_RESET invalid for non-tcp"},
    {"REJECT", 17, "--reject-with tcp-reset", "ipt_REJECT: TCP_RESET invalid for non-tcp"},
    {"REJECT", 0, "", "REJECT target: only valid in filter table, not mangle", TableId::kMangle, "FORWARD"},
    {"REJECT", 0, "", "REJECT target: only valid in filter table, not raw", TableId::kRaw, "PREROUTING"},
    {"REJECT", 0, "--reject-with echo-reply", "unknown reject type \"echo-reply\""},
    {"REJECT", 0, "--reject-with net --reject-with net", "REJECT: option \"--reject-with\" can only be used once."},
    {"REJECT", 0, "! --reject-with net", "REJECT: option \"--reject-with\" cannot be inverted."},
    {"REJECT", 0, "", "REJECT target: only valid in filter table, not nat", TableId::kNat, "OUTPUT"},
    {"REJECT", 0, "", "REJECT target: only valid in filter table, not security", TableId::kSecurity, "INPUT"},
    {"MARK", 0, "", "MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required"},
    {"MARK", 0, "--set-mark 1 --or-mark 1", "MARK: option \"--set-mark\" cannot be used together with \"--or-mark\"."},
    {"MARK", 0, "--set-mark x", "MARK: bad integer value for option \"--set-mark\", or out of range."},
    {"MARK", 0, "--and-mark 1/2", "MARK: bad value for option \"--and-mark\", or out of range (0-4294967295)."},
    {"MARK", 0, "--set-xmark 1 --set-xmark 1", "MARK: option \"--set-xmark\" can only be used once."},
    {"MARK", 0, "--set-xmark 1/2/3", "MARK: trailing garbage after value for option \"--set-xmark\"."},
    {"MARK", 0, "--or-mark 0x1ffffffff", "MARK: bad value for option \"--or-mark\", or out of range (0-4294967295)."},
    {"TTL", 0, "", "TTL: You must specify an action"},
    {"TTL", 0, "--ttl-inc 0", "TTL: bad value for option \"--ttl-inc\", or out of range (1-255)."},
    {"TTL", 0, "--ttl-dec 0", "TTL: bad value for option \"--ttl-dec\", or out of range (1-255)."},
    {"TTL", 0, "--ttl-set 256", "TTL: bad value for option \"--ttl-set\", or out of range (0-255)."},
    {"TTL", 0, "--ttl-set 1 --ttl-inc 1", "TTL: option \"--ttl-set\" cannot be used together with \"--ttl-inc\"."},
    {"TTL", 0, "--ttl-set 1", "TTL target: only valid in mangle table, not filter", TableId::kFilter, "FORWARD"},
    {"TTL", 0, "--ttl-dec 1 --ttl-inc 1", "TTL: option \"--ttl-dec\" cannot be used together with \"--ttl-inc\"."},
};

// Accepted, though one might think otherwise.
const Case kAccepted[] = {
    {"tcp", 6, "--dport :", ""},
    {"tcp", 6, "--dport 80:", " --dport 80:65535"},
    {"tcp", 6, "--dport 0x50", " --dport 80"},
    {"tcp", 6, "--dport ' 80'", " --dport 80"},
    {"tcp", 6, "--dport +80", " --dport 80"},
    {"udp", 17, "--dport 70000", " --dport 4464"},
    {"udp", 17, "--dport 100:50", " --dport 100:50"},
    {"udp", 17, "--dport 99999", " --dport 34463"},
    {"udp", 17, "--dport ''", " --dport 0"},
    {"udp", 17, "--dport :", ""},
    {"udp", 17, "--dport 80:", " --dport 80:65535"},
    {"udp", 17, "--dport 65616", " --dport 80"},
    {"udp", 17, "--dport 4294967376", " --dport 80"},
    {"udp", 17, "--dport ' 80'", " --dport 80"},
    {"udp", 17, "--dport +80", " --dport 80"},
    {"limit", 0, "--limit 100000/min", " --limit 1666/sec"},
    {"limit", 0, "--limit '5 /sec'", " --limit 5/sec"},
    {"limit", 0, "--limit 1/S", " --limit 1/sec"},
    {"ttl", 0, "! --ttl 1", " ! --ttl-eq 1"},
    {"ECN", 6, "--ecn-tcp-cwr 1", " --ecn-tcp-cwr 1"},
    {"ECN", 6, "--ecn-ip-ect 1", " --ecn-ip-ect 1"},
    {"MARK", 0, "--set-mark 1", " --set-xmark 0x1/0xffffffff", TableId::kFilter, "FORWARD"},
};

std::unique_ptr<Extension> create(const Case& c) {
  if (const MatchSpec* m = base_registry().match(c.extension)) return m->create();
  return base_registry().target(c.extension)->create();
}

RuleContext context(const Case& c) {
  const bool filter = base_registry().match(c.extension) != nullptr || std::string_view(c.extension) == "REJECT";
  return rule_context(c.protocol, c.table.value_or(filter ? TableId::kFilter : TableId::kMangle), c.chain);
}

TEST(ExtensionErrors, WordsOfIptables) {
  for (const Case& c : kRefused) {
    const auto extension = create(c);
    const Status s = configure(*extension, c.words, context(c));
    ASSERT_FALSE(s.ok()) << c.extension << " " << c.words;
    EXPECT_EQ(s.error().text, c.text) << c.extension << " " << c.words;
  }
}

TEST(ExtensionErrors, AcceptedAsInIptables) {
  for (const Case& c : kAccepted) {
    const auto extension = create(c);
    const Status s = configure(*extension, c.words, context(c));
    ASSERT_TRUE(s.ok()) << c.extension << " " << c.words << ": " << s.error().text;
    EXPECT_EQ(save_text(*extension), c.text) << c.extension << " " << c.words;
  }
}

// A chain no hook reaches is not checked against the hooks of an extension.
TEST(ExtensionErrors, UnknownHooksPass) {
  auto mac = base_registry().match("mac")->create();
  EXPECT_TRUE(configure(*mac, "--mac-source 00:11:22:33:44:55", rule_context(0, TableId::kFilter, "user")).ok());
  auto mac_output = base_registry().match("mac")->create();
  RuleContext both = rule_context(0);
  both.hooks = 1u << static_cast<unsigned>(HookPoint::kForward) | 1u << static_cast<unsigned>(HookPoint::kLocalOut);
  const Status s = configure(*mac_output, "--mac-source 00:11:22:33:44:55", both);
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error().text, "mac match: used from hooks FORWARD/OUTPUT, but only valid from PREROUTING/INPUT/FORWARD");
}

TEST(ExtensionErrors, InvertedProtocolIsNotTheProtocol) {
  RuleContext rule = rule_context(kProtoTcp);
  rule.protocol_inverted = true;
  auto tcp = base_registry().match("tcp")->create();
  EXPECT_EQ(configure(*tcp, "--dport 80", rule).error().text, "tcp match: only valid for protocol 6");
  auto multiport = base_registry().match("multiport")->create();
  EXPECT_EQ(configure(*multiport, "--dports 80", rule).error().text,
            "multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP");
  auto reject = base_registry().target("REJECT")->create();
  EXPECT_EQ(configure(*reject, "--reject-with tcp-reset", rule).error().text,
            "ipt_REJECT: TCP_RESET invalid for non-tcp");
}

// finish() is called again when a table is loaded anew.
TEST(ExtensionErrors, FinishIsRepeatable) {
  for (const Case& c : kAccepted) {
    const auto extension = create(c);
    ASSERT_TRUE(configure(*extension, c.words, context(c)).ok());
    EXPECT_TRUE(extension->finish(context(c)).ok()) << c.extension << " " << c.words;
    EXPECT_EQ(save_text(*extension), c.text);
  }
}

}  // namespace
}  // namespace nf::ipt
