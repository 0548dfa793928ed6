// The matches and targets of conntrack as iptables-legacy 1.8.9 reads and prints them: what iptables-save and `iptables
// -nvL` wrote for each rule, and the words it refused others with.
#include "conntrack/xt/xt.h"

#include <gtest/gtest.h>

#include <cstring>

#include "conntrack/conntrack.h"
#include "conntrack/helper.h"
#include "conntrack/xt/state_words.h"
#include "datapath/base/text.h"
#include "datapath/hook/fake_stack.h"
#include "datapath/iptables/iptables.h"
#include "datapath/iptables/rule_text_test_support.h"

namespace nf::ct {
namespace {

class NamedHelper final : public Helper {
 public:
  using Helper::Helper;
  std::span<const ExpectPolicy> policies() const override { return {}; }
  Verdict help(const HelpInput&) const override { return Verdict::kAccept; }
};

struct TestNet {
  FakeStack stack;
  ipt::ExtensionRegistry registry;
  Conntrack conntrack{stack, Options{1, 1024}};
  ipt::Iptables iptables{stack, registry};
  TestNet() {
    conntrack.helpers().add(std::make_unique<NamedHelper>("ftp", kProtoTcp, uint16_t{21}));
    ipt::register_base_extensions(registry);
    register_conntrack_extensions(registry, conntrack);
  }
};

constexpr ipt::AcceptedRule kAccepted[] = {
    {"filter", "-A INPUT -m helper --helper ftp", nullptr, " helper match \"ftp\""},
    {"filter", "-A INPUT -m helper ! --helper ftp", nullptr, " helper match ! \"ftp\""},
    {"filter", "-A INPUT -m helper --helper \"\"", nullptr, " helper match \"\""},
    {"filter", "-A INPUT -m helper --helper nosuch", nullptr, " helper match \"nosuch\""},
    {"filter", "-A INPUT -m helper --helper \"ftp x\\\"y\"", nullptr, " helper match \"ftp x\"y\""},
    {"filter", "-A INPUT -m helper --helper 123456789012345678901234567890",
     "-A INPUT -m helper --helper 12345678901234567890123456789", " helper match \"12345678901234567890123456789\""},
    {"filter", "-A INPUT -m conntrack --ctstate NEW", nullptr, " ctstate NEW"},
    {"filter", "-A INPUT -m conntrack --ctstate new,ESTABLISHED,related",
     "-A INPUT -m conntrack --ctstate NEW,RELATED,ESTABLISHED", " ctstate NEW,RELATED,ESTABLISHED"},
    {"filter", "-A INPUT -m conntrack --ctstate INVALID,UNTRACKED,SNAT,DNAT,NEW,RELATED,ESTABLISHED",
     "-A INPUT -m conntrack --ctstate INVALID,NEW,RELATED,ESTABLISHED,UNTRACKED,SNAT,DNAT",
     " ctstate INVALID,NEW,RELATED,ESTABLISHED,UNTRACKED,SNAT,DNAT"},
    {"filter", "-A INPUT -m conntrack ! --ctstate NEW,INVALID", "-A INPUT -m conntrack ! --ctstate INVALID,NEW",
     " ! ctstate INVALID,NEW"},
    {"filter", "-A INPUT -m conntrack --ctstate N", "-A INPUT -m conntrack --ctstate NEW", " ctstate NEW"},
    {"filter", "-A INPUT -m conntrack --ctstate I", "-A INPUT -m conntrack --ctstate INVALID", " ctstate INVALID"},
    {"filter", "-A INPUT -m conntrack --ctproto tcp", "-A INPUT -m conntrack --ctproto 6", " ctproto 6"},
    {"filter", "-A INPUT -m conntrack --ctproto 99", nullptr, " ctproto 99"},
    {"filter", "-A INPUT -m conntrack --ctproto 0", nullptr, " ctproto 0"},
    {"filter", "-A INPUT -m conntrack ! --ctproto 0", nullptr, " ! ctproto 0"},
    {"filter", "-A INPUT -m conntrack ! --ctproto udp", "-A INPUT -m conntrack ! --ctproto 17", " ! ctproto 17"},
    {"filter", "-A INPUT -m conntrack --ctorigsrc 1.2.3.4", nullptr, " ctorigsrc 1.2.3.4"},
    {"filter", "-A INPUT -m conntrack --ctorigsrc 1.2.3.4/24", nullptr, " ctorigsrc 1.2.3.4/24"},
    {"filter", "-A INPUT -m conntrack --ctorigsrc 1.2.3.4/255.255.0.0", "-A INPUT -m conntrack --ctorigsrc 1.2.3.4/16",
     " ctorigsrc 1.2.3.4/16"},
    {"filter", "-A INPUT -m conntrack ! --ctorigdst 1.2.3.0/24", nullptr, " ! ctorigdst 1.2.3.0/24"},
    {"filter", "-A INPUT -m conntrack --ctreplsrc 0.0.0.0/0", nullptr, " ctreplsrc 0.0.0.0/0"},
    {"filter", "-A INPUT -m conntrack --ctrepldst 10.0.0.0/8", nullptr, " ctrepldst 10.0.0.0/8"},
    {"filter", "-A INPUT -m conntrack --ctorigsrcport 80", nullptr, " ctorigsrcport 80"},
    {"filter", "-A INPUT -m conntrack --ctorigsrcport 80:90", nullptr, " ctorigsrcport 80:90"},
    {"filter", "-A INPUT -m conntrack --ctorigsrcport :90", "-A INPUT -m conntrack --ctorigsrcport 0:90",
     " ctorigsrcport 0:90"},
    {"filter", "-A INPUT -m conntrack --ctreplsrc 10.0.0.5/255.0.255.254", "-A INPUT -m conntrack --ctreplsrc 10.0.0.5",
     " ctreplsrc 10.0.0.5"},
    {"filter", "-A INPUT -m conntrack --ctorigsrcport 80:", "-A INPUT -m conntrack --ctorigsrcport 80:65535",
     " ctorigsrcport 80:65535"},
    {"filter", "-A INPUT -m conntrack --ctorigsrcport 90:80", nullptr, " ctorigsrcport 90:80"},
    {"filter", "-A INPUT -m conntrack --ctorigsrcport http", "-A INPUT -m conntrack --ctorigsrcport 80",
     " ctorigsrcport 80"},
    {"filter", "-A INPUT -m conntrack --ctorigsrcport 70000", "-A INPUT -m conntrack --ctorigsrcport 4464",
     " ctorigsrcport 4464"},
    {"filter", "-A INPUT -m conntrack ! --ctorigdstport 80:90", nullptr, " ! ctorigdstport 80:90"},
    {"filter", "-A INPUT -m conntrack --ctreplsrcport 1", nullptr, " ctreplsrcport 1"},
    {"filter", "-A INPUT -m conntrack --ctrepldstport 0", nullptr, " ctrepldstport 0"},
    {"filter", "-A INPUT -m conntrack --ctorigdstport 0:65535", nullptr, " ctorigdstport 0:65535"},
    {"filter", "-A INPUT -m conntrack --ctstatus NONE", nullptr, " ctstatus NONE"},
    {"filter", "-A INPUT -m conntrack --ctstatus EXPECTED,SEEN_REPLY,ASSURED,CONFIRMED", nullptr,
     " ctstatus EXPECTED,SEEN_REPLY,ASSURED,CONFIRMED"},
    {"filter", "-A INPUT -m conntrack --ctstatus assured", "-A INPUT -m conntrack --ctstatus ASSURED",
     " ctstatus ASSURED"},
    {"filter", "-A INPUT -m conntrack ! --ctstatus ASSURED,SEEN_REPLY",
     "-A INPUT -m conntrack ! --ctstatus SEEN_REPLY,ASSURED", " ! ctstatus SEEN_REPLY,ASSURED"},
    {"filter", "-A INPUT -m conntrack --ctstatus NONE,ASSURED", "-A INPUT -m conntrack --ctstatus ASSURED",
     " ctstatus ASSURED"},
    {"filter", "-A INPUT -m conntrack --ctexpire 10", nullptr, " ctexpire 10"},
    {"filter", "-A INPUT -m conntrack --ctexpire 10:20", nullptr, " ctexpire 10:20"},
    {"filter", "-A INPUT -m conntrack --ctexpire :20", "-A INPUT -m conntrack --ctexpire 0:20", " ctexpire 0:20"},
    {"filter", "-A INPUT -m conntrack --ctexpire 10:", "-A INPUT -m conntrack --ctexpire 10:4294967295",
     " ctexpire 10:4294967295"},
    {"filter", "-A INPUT -m conntrack --ctexpire 20:10", nullptr, " ctexpire 20:10"},
    {"filter", "-A INPUT -m conntrack ! --ctexpire 5", nullptr, " ! ctexpire 5"},
    {"filter", "-A INPUT -m conntrack --ctexpire 4294967295", nullptr, " ctexpire 4294967295"},
    {"filter", "-A INPUT -m conntrack --ctdir ORIGINAL", nullptr, " ctdir ORIGINAL"},
    {"filter", "-A INPUT -m conntrack --ctdir reply", "-A INPUT -m conntrack --ctdir REPLY", " ctdir REPLY"},
    {"filter",
     "-A INPUT -m conntrack --ctstate NEW --ctproto 6 --ctorigsrc 1.1.1.1 --ctorigdst 2.2.2.2 --ctreplsrc 3.3.3.3 "
     "--ctrepldst 4.4.4.4 --ctorigsrcport 1 --ctorigdstport 2 --ctreplsrcport 3 --ctrepldstport 4 --ctstatus ASSURED "
     "--ctexpire 1:2 --ctdir REPLY",
     nullptr,
     " ctstate NEW ctproto 6 ctorigsrc 1.1.1.1 ctorigdst 2.2.2.2 ctreplsrc 3.3.3.3 ctrepldst 4.4.4.4 ctorigsrcport 1 "
     "ctorigdstport 2 ctreplsrcport 3 ctrepldstport 4 ctstatus ASSURED ctexpire 1:2 ctdir REPLY"},
    {"filter", "-A INPUT -m state --state NEW", nullptr, " state NEW"},
    {"filter", "-A INPUT -m state --state established,RELATED", "-A INPUT -m state --state RELATED,ESTABLISHED",
     " state RELATED,ESTABLISHED"},
    {"filter", "-A INPUT -m state ! --state INVALID,UNTRACKED", nullptr, " ! state INVALID,UNTRACKED"},
    {"raw", "-A PREROUTING -j CT --notrack", nullptr, " CT notrack"},
    {"raw", "-A PREROUTING -j CT", nullptr, " CT"},
    {"raw", "-A PREROUTING -j CT --zone 5", nullptr, " CT zone 5"},
    {"raw", "-A PREROUTING -j CT --zone mark", nullptr, " CT zone mark"},
    {"raw", "-A PREROUTING -j CT --zone-orig 5", nullptr, " CT zone-orig 5"},
    {"raw", "-A PREROUTING -j CT --zone-reply 5", nullptr, " CT zone-reply 5"},
    {"raw", "-A PREROUTING -j CT --zone-orig mark", nullptr, " CT zone-orig mark"},
    {"raw", "-A PREROUTING -p tcp -j CT --helper ftp", nullptr, " CT helper ftp"},
    {"raw", "-A PREROUTING -j CT --ctevents new,destroy", nullptr, " CT ctevents new,destroy"},
    {"raw", "-A PREROUTING -j CT --ctevents new,related,destroy,reply,assured,protoinfo,helper,mark,natseqinfo,secmark",
     nullptr, " CT ctevents new,related,destroy,reply,assured,protoinfo,helper,mark,natseqinfo,secmark"},
    {"raw", "-A PREROUTING -j CT --expevents new", nullptr, " CT expevents new"},
    {"raw", "-A PREROUTING -j CT --notrack --zone 5", nullptr, " CT notrack zone 5"},
    {"raw", "-A PREROUTING -j CT --notrack --ctevents new", nullptr, " CT notrack ctevents new"},
    {"raw", "-A OUTPUT -j CT --notrack", nullptr, " CT notrack"},
    {"raw", "-A PREROUTING -p tcp -j CT --zone 1 --zone-orig 2", "-A PREROUTING -p tcp -j CT --zone-orig 2",
     " CT zone-orig 2"},
    {"raw", "-A PREROUTING -p tcp -j CT --zone-reply 1 --zone-orig 2 --ctevents mark --expevents new",
     "-A PREROUTING -p tcp -j CT --ctevents mark --expevents new --zone 2", " CT ctevents mark expevents new zone 2"},
    {"filter", "-A INPUT -m conntrack --ctorigsrcport :", "-A INPUT -m conntrack --ctorigsrcport 0:65535",
     " ctorigsrcport 0:65535"},
    {"filter", "-A INPUT -m conntrack --ctorigsrcport 0:0", "-A INPUT -m conntrack --ctorigsrcport 0",
     " ctorigsrcport 0"},
    {"filter", "-A INPUT -m conntrack --ctorigsrcport 65536", "-A INPUT -m conntrack --ctorigsrcport 0",
     " ctorigsrcport 0"},
    {"filter", "-A INPUT -m conntrack --ctorigsrc 1.2.3.4/0", nullptr, " ctorigsrc 1.2.3.4/0"},
    {"filter", "-A INPUT -m conntrack --ctexpire :", "-A INPUT -m conntrack --ctexpire 0:4294967295",
     " ctexpire 0:4294967295"},
    {"filter", "-A INPUT -m conntrack --ctexpire 0x10", "-A INPUT -m conntrack --ctexpire 16", " ctexpire 16"},
    {"filter", "-A INPUT -m conntrack --ctproto icmp", "-A INPUT -m conntrack --ctproto 1", " ctproto 1"},
    {"filter", "-A INPUT -m conntrack --ctproto TCP", "-A INPUT -m conntrack --ctproto 6", " ctproto 6"},
    {"filter", "-A INPUT -m conntrack --ctproto all", "-A INPUT -m conntrack --ctproto 0", " ctproto 0"},
    {"filter", "-A INPUT -m conntrack --ctproto 0x6", "-A INPUT -m conntrack --ctproto 6", " ctproto 6"},
    {"filter", "-A INPUT -m conntrack --ctstatus A,S", "-A INPUT -m conntrack --ctstatus SEEN_REPLY,ASSURED",
     " ctstatus SEEN_REPLY,ASSURED"},
};

constexpr ipt::RefusedRule kRefused[] = {
    {"filter", "-A INPUT -m conntrack", "conntrack: At least one option is required"},
    {"filter", "-A INPUT -m conntrack --ctstate FOO", "Bad ctstate \"FOO\""},
    {"filter", "-A INPUT -m conntrack --ctstate NEW,", "Bad ctstate \"\""},
    {"filter", "-A INPUT -m conntrack --ctstate ,NEW", "Bad ctstate \",NEW\""},
    {"filter", "-A INPUT -m conntrack --ctstate NEW --ctstate INVALID",
     "conntrack: option \"--ctstate\" can only be used once."},
    {"filter", "-A INPUT -m conntrack --ctstate NEW,FOO,INVALID", "Bad ctstate \"FOO,INVALID\""},
    {"filter", "-A INPUT -m conntrack --ctproto foo", "unknown protocol \"foo\" specified"},
    {"filter", "-A INPUT -m conntrack --ctproto 300", "unknown protocol \"300\" specified"},
    {"filter", "-A INPUT -m conntrack --ctorigdstport foo", "Port \"foo\" does not resolve to anything."},
    {"filter", "-A INPUT -m conntrack --ctstatus FOO", "Bad ctstatus \"FOO\""},
    {"filter", "-A INPUT -m conntrack --ctexpire foo",
     "conntrack: bad value for option \"--ctexpire\" near \"foo\", or out of range (0-4294967295)."},
    {"filter", "-A INPUT -m conntrack --ctexpire 4294967296",
     "conntrack: bad value for option \"--ctexpire\" near \"4294967296\", or out of range (0-4294967295)."},
    {"filter", "-A INPUT -m conntrack --ctdir FOO", "conntrack: Bad value for \"--ctdir\" option: \"FOO\""},
    {"filter", "-A INPUT -m conntrack ! --ctdir REPLY", "conntrack: option \"--ctdir\" cannot be inverted."},
    {"filter", "-A INPUT -m conntrack --ctproto tcp --ctproto udp",
     "conntrack: option \"--ctproto\" can only be used once."},
    {"filter", "-A INPUT -m helper", "helper: option \"--helper\" must be specified"},
    {"filter", "-A INPUT -m helper --helper a --helper b", "helper: option \"--helper\" can only be used once."},
    {"filter", "-A INPUT -m state", "state: option \"--state\" must be specified"},
    {"filter", "-A INPUT -m state --state FOO", "Bad state \"FOO\""},
    {"filter", "-A INPUT -m state --state SNAT", "Bad state \"SNAT\""},
    {"filter", "-A INPUT -m state --state NEW,",
     "\"--state\" requires a list of states with no spaces, e.g. ESTABLISHED,RELATED"},
    {"filter", "-A INPUT -m state --state ,NEW", "Bad state \",NEW\""},
    {"filter", "-A INPUT -m state --state NEW --state INVALID", "state: option \"--state\" can only be used once."},
    {"raw", "-A PREROUTING -j CT --ctevents foo", "Unknown event type \"foo\""},
    {"raw", "-A PREROUTING -j CT --expevents foo", "Unknown event type \"foo\""},
    {"raw", "-A PREROUTING -j CT --notrack --notrack", "CT: option \"--notrack\" can only be used once."},
    {"raw", "-A PREROUTING -j NOTRACK --zone 5", "unknown option \"--zone\""},
    {"raw", "-A PREROUTING -j CT --zone 70000", "Cannot parse 70000 as a zone ID"},
    {"raw", "-A PREROUTING -j CT --zone 5 --zone 6", "CT: option \"--zone\" can only be used once."},
    {"raw", "-A PREROUTING ! --notrack -j CT", "unknown option \"--notrack\""},
    {"filter", "-A INPUT -m conntrack --ctorigsrcport 80x", "Port \"80x\" does not resolve to anything."},
    {"filter", "-A INPUT -m conntrack --ctorigsrcport 80:90:100",
     "conntrack: Too many components for option \"--ctorigsrcport\" (max: 2)"},
    {"filter", "-A INPUT -m conntrack --ctorigsrc 1.2.3.4/",
     "conntrack: bad value for option \"--ctorigsrc\", neither a valid network mask nor valid CIDR (0-32)."},
    {"filter", "-A INPUT -m conntrack --ctexpire 1:2:3",
     "conntrack: Too many components for option \"--ctexpire\" (max: 2)"},
    {"filter", "-A INPUT -m conntrack --ctexpire 5x",
     "conntrack: Argument to \"--ctexpire\" has unexpected characters near \"x\"."},
    {"filter", "-A INPUT -m conntrack --ctstatus ASSURED,", "Bad ctstatus \"\""},
    {"filter", "-A INPUT -m conntrack --ctstatus ,ASSURED", "Bad ctstatus \",ASSURED\""},
    // Here iptables only says "Invalid argument"; the words are the kernel's (xt_check_target).
    {"filter", "-A INPUT -j CT --notrack", "CT target: only valid in raw table, not filter"},
};

TEST(ConntrackExtensions, PrintAsIptables) { ipt::expect_printed_as_iptables<TestNet>(kAccepted); }

TEST(ConntrackExtensions, RefuseInIptablesWords) { ipt::expect_refused_in_iptables_words<TestNet>(kRefused); }

// --- at run time

// Extensions used one by one, as a rule would hold them.
struct Bench : TestNet {
  Bench() { stack.devices_.resize(1); }
  template <class X>
  void options(X& extension, const std::vector<std::string>& words) {
    for (size_t i = 0; i < words.size();) {
      const bool inverted = words[i] == "!";
      if (inverted) ++i;
      ipt::OptionReader reader(words[i], inverted, words, i + 1);
      const auto taken = extension.parse_option(reader);
      ASSERT_TRUE(taken.ok()) << taken.error().text;
      ASSERT_TRUE(*taken) << words[i];
      i = reader.next();
    }
  }
  PacketPtr packet() {
    PacketPtr p = stack.pool_.allocate(28);
    std::memset(p->put(28), 0, 28);
    p->ip().version_ihl = 0x45;
    p->ip().protocol = kProtoUdp;
    return p;
  }
};

TEST(ConntrackMatch, SaysWhyItMissed) {
  Connection c;
  c.tuple[0].protocol = c.tuple[1].protocol = kProtoUdp;
  c.tuple[0].source = ip4(10, 1, 0, 2);
  c.tuple[0].source_id = be16(4000);
  c.status = kConfirmed | kSeenReply | kSrcNat;
  struct {
    std::vector<std::string> words;
    CtInfo ctinfo;
    bool has_connection;
    Said why;
    bool rest = true;
  } const kRows[] = {
      {{"--ctstate", "NEW"},
       CtInfo::kEstablished,
       true,
       {"miss.state", {"-m conntrack --ctstate NEW", "ESTABLISHED,SNAT"}, {}}},
      {{"!", "--ctstate", "INVALID"},
       CtInfo::kNone,
       false,
       {"miss.state", {"-m conntrack ! --ctstate INVALID", "INVALID"}, {}}},
      {{"--ctstate", "NEW"},
       CtInfo::kUntracked,
       false,
       {"miss.state", {"-m conntrack --ctstate NEW", "UNTRACKED"}, {}}},
      {{"--ctproto", "tcp"}, CtInfo::kEstablished, true, {"miss.ct_protocol", {"-m conntrack --ctproto 6", "17"}, {}}},
      {{"--ctproto", "tcp"}, CtInfo::kNone, false, {"miss.no_connection", {"-m conntrack --ctproto 6", "INVALID"}, {}}},
      // Its state alone decides for a packet without a connection; without it, the connection is missed.
      {{"--ctstate", "NEW", "--ctproto", "udp"},
       CtInfo::kNone,
       false,
       {"miss.state", {"--ctstate NEW", "INVALID"}, {}},
       false},
      {{"--ctstate", "INVALID", "--ctproto", "tcp"}, CtInfo::kNone, false, {}},
      {{"--ctorigsrc", "10.9.0.0/16"},
       CtInfo::kEstablished,
       true,
       {"miss.ct_address", {"-m conntrack --ctorigsrc 10.9.0.0/16", "10.1.0.2"}, {}}},
      {{"--ctorigsrcport", "1:2"},
       CtInfo::kEstablished,
       true,
       {"miss.ct_port", {"-m conntrack --ctorigsrcport 1:2", "4000"}, {}}},
      {{"--ctstatus", "ASSURED"},
       CtInfo::kEstablished,
       true,
       {"miss.ct_status", {"-m conntrack --ctstatus ASSURED", "SEEN_REPLY,CONFIRMED"}, {}}},
      {{"--ctdir", "REPLY"},
       CtInfo::kEstablished,
       true,
       {"miss.ct_direction", {"-m conntrack --ctdir REPLY", "ORIGINAL"}, {}}},
      // conntrack_mt asks for the direction first, then the addresses, the protocol and its ports.
      {{"--ctproto", "tcp", "--ctorigsrcport", "1", "--ctorigsrc", "10.9.0.0/16", "--ctdir", "REPLY"},
       CtInfo::kEstablished,
       true,
       {"miss.ct_direction", {"--ctdir REPLY", "ORIGINAL"}, {}},
       false},
      {{"--ctproto", "tcp", "--ctorigsrcport", "1", "--ctorigsrc", "10.9.0.0/16"},
       CtInfo::kEstablished,
       true,
       {"miss.ct_address", {"--ctorigsrc 10.9.0.0/16", "10.1.0.2"}, {}},
       false},
      {{"--ctorigsrcport", "1", "--ctstate", "ESTABLISHED"},
       CtInfo::kEstablished,
       true,
       {"miss.ct_port", {"--ctorigsrcport 1", "4000"}, {}}},
      {{"--ctstate", "ESTABLISHED"}, CtInfo::kEstablished, true, {}},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.words[1]);
    Bench bench;
    const auto match = bench.registry.match("conntrack")->create();
    bench.options(*match, row.words);
    PacketPtr p = bench.packet();
    p->ct = row.has_connection ? reinterpret_cast<uintptr_t>(&c) : 0;
    p->ctinfo = row.ctinfo;
    const HookState state{HookPoint::kForward, nullptr, nullptr, &bench.stack, bench.stack.now_, nullptr};
    bool hotdrop = false;
    const ipt::MatchInput in{*p, p->ip(), p->transport(), 0, state, hotdrop};
    EXPECT_EQ(match->match(in), !row.why);
    if (row.why) {
      const ipt::Miss miss = match->explain_miss(in);
      EXPECT_EQ(miss.why.key, row.why.key);
      EXPECT_EQ(miss.why.values, row.why.values);
      EXPECT_EQ(miss.rest, row.rest);
    }
    p->ct = 0;
  }
}

// A kernel counted 1 NEW, 0 UNTRACKED behind "-j CT" and "-j CT --notrack" in that order: the first decides.
TEST(CtTarget, TheFirstOneDecides) {
  Bench bench;
  const auto plain = bench.registry.target("CT")->create(), notrack = bench.registry.target("NOTRACK")->create();
  plain->attach(bench.stack);
  EXPECT_TRUE(bench.conntrack.active());
  const HookState state{HookPoint::kPreRouting, nullptr, nullptr, &bench.stack, bench.stack.now_, nullptr};
  PacketPtr p = bench.packet();
  EXPECT_EQ(plain->target(p, state), ipt::TargetVerdict::kContinue);
  EXPECT_EQ(notrack->target(p, state), ipt::TargetVerdict::kContinue);
  EXPECT_EQ(p->ctinfo, CtInfo::kNew);
  p = bench.packet();
  EXPECT_EQ(notrack->target(p, state), ipt::TargetVerdict::kContinue);
  EXPECT_EQ(plain->target(p, state), ipt::TargetVerdict::kContinue);
  EXPECT_EQ(p->ctinfo, CtInfo::kUntracked);
  EXPECT_EQ(p->ct, 0u);
  p.reset();
  plain->detach(bench.stack);
  EXPECT_FALSE(bench.conntrack.active());
}

// kernel-facts 12: exempting packets needs no conntrack.
// Linux 6.18: a router with "-A OUTPUT ! --ctstate DNAT -j NOTRACK" sent a time-exceeded about an untracked packet; in
// raw OUTPUT it was INVALID, before and behind that rule.
TEST(CtTarget, ErrorsAboutUntrackedPacketsAreInvalidForGood) {
  Bench bench;
  const auto notrack = bench.registry.target("NOTRACK")->create();
  const HookState state{HookPoint::kLocalOut, nullptr, nullptr, &bench.stack, bench.stack.now_, nullptr};
  PacketPtr cause = bench.packet(), error = bench.packet();
  notrack->target(cause, state);
  ASSERT_EQ(cause->ctinfo, CtInfo::kUntracked);
  bench.conntrack.attach(*error, *cause);
  EXPECT_EQ(state_bits(*error), kStateInvalid);
  EXPECT_EQ(notrack->target(error, state), ipt::TargetVerdict::kContinue);
  EXPECT_EQ(state_bits(*error), kStateInvalid);
}

// iptables-legacy 1.8.9 -t raw -L -n
TEST(CtTarget, NotrackIsListedAsCt) {
  TestNet net;
  ASSERT_TRUE(net.iptables.load(ipt::table_text("raw", "-A PREROUTING -j NOTRACK"), "rules").ok());
  const auto listed = net.iptables.list(ipt::TableId::kRaw, "PREROUTING", {});
  ASSERT_TRUE(listed.ok());
  EXPECT_EQ(ipt::last_line(*listed), "CT         0    --  0.0.0.0/0            0.0.0.0/0            NOTRACK");
}

TEST(CtTarget, NotrackAloneLeavesConntrackAsleep) {
  TestNet net;
  ASSERT_TRUE(net.iptables.load(ipt::table_text("raw", "-A PREROUTING -j NOTRACK"), "rules").ok());
  EXPECT_FALSE(net.conntrack.active());
  // iptables-legacy-save 1.8.9 prints the old name again.
  EXPECT_NE(net.iptables.save({}).find("\n-A PREROUTING -j NOTRACK\n"), std::string::npos);
}

}  // namespace
}  // namespace nf::ct
