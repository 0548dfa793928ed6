// CONNMARK, connmark, connlabel, connbytes and CT's zones and policies: as text what iptables-legacy 1.8.9 printed and
// refused for each rule; what they do to packets is from xt_connmark.c, xt_connlabel.c and xt_connbytes.c of the
// kernel.
#include <gtest/gtest.h>

#include <cstring>

#include "conntrack/conntrack.h"
#include "conntrack/rare_parts.h"
#include "conntrack/test_support.h"
#include "conntrack/timeout_policy.h"
#include "conntrack/xt/xt.h"
#include "datapath/hook/fake_stack.h"
#include "datapath/iptables/iptables.h"
#include "datapath/iptables/rule_text_test_support.h"

namespace nf::ct {
namespace {

using test::Bytes;
using test::udp_packet;

struct TestNet {
  FakeStack stack;
  ipt::ExtensionRegistry registry;
  Conntrack conntrack{stack, Options{1, 1024}};
  ipt::Iptables iptables{stack, registry};
  TestNet() {
    ipt::register_base_extensions(registry);
    register_conntrack_extensions(registry, conntrack);
    const std::pair<const char*, uint8_t> kPolicies[] = {
        {"pol", kProtoTcp}, {"aaaaaa", kProtoTcp}, {"gen", kGenericPolicy}};
    for (const auto& [name, protocol] : kPolicies) {
      TimeoutPolicy policy;
      policy.name = name;
      policy.protocol = protocol;
      EXPECT_TRUE(conntrack.timeout_policies().add(policy).ok());
    }
  }
};

#define CONNMARK_SAVED "-A PREROUTING -j CONNMARK "
#define BYTES_SAVED "-A OUTPUT -m connbytes "
constexpr ipt::AcceptedRule kAccepted[] = {
    {"mangle", "-A PREROUTING -j CONNMARK --set-xmark 1", CONNMARK_SAVED "--set-xmark 0x1/0xffffffff",
     " CONNMARK set 0x1"},
    {"mangle", "-A PREROUTING -j CONNMARK --set-xmark 0x1/0x3", nullptr, " CONNMARK xset 0x1/0x3"},
    {"mangle", "-A PREROUTING -j CONNMARK --set-mark 2", CONNMARK_SAVED "--set-xmark 0x2/0xffffffff",
     " CONNMARK set 0x2"},
    {"mangle", "-A PREROUTING -j CONNMARK --set-mark 0x10/0xf0", CONNMARK_SAVED "--set-xmark 0x10/0xf0",
     " CONNMARK xset 0x10/0xf0"},
    {"mangle", "-A PREROUTING -j CONNMARK --and-mark 0xf", CONNMARK_SAVED "--set-xmark 0x0/0xfffffff0",
     " CONNMARK and 0xf"},
    {"mangle", "-A PREROUTING -j CONNMARK --or-mark 0x10", CONNMARK_SAVED "--set-xmark 0x10/0x10", " CONNMARK or 0x10"},
    {"mangle", "-A PREROUTING -j CONNMARK --xor-mark 3", CONNMARK_SAVED "--set-xmark 0x3/0x0", " CONNMARK xor 0x3"},
    {"mangle", "-A PREROUTING -j CONNMARK --set-mark 0", CONNMARK_SAVED "--set-xmark 0x0/0xffffffff",
     " CONNMARK and 0x0"},
    {"mangle", "-A PREROUTING -j CONNMARK --save-mark",
     CONNMARK_SAVED "--save-mark --nfmask 0xffffffff --ctmask 0xffffffff", " CONNMARK save"},
    {"mangle", "-A PREROUTING -j CONNMARK --restore-mark",
     CONNMARK_SAVED "--restore-mark --nfmask 0xffffffff --ctmask 0xffffffff", " CONNMARK restore"},
    {"mangle", "-A PREROUTING -j CONNMARK --save-mark --mask 0xff",
     CONNMARK_SAVED "--save-mark --nfmask 0xff --ctmask 0xff", " CONNMARK save mask 0xff"},
    {"mangle", "-A PREROUTING -j CONNMARK --restore-mark --mask 0xff",
     CONNMARK_SAVED "--restore-mark --nfmask 0xff --ctmask 0xff", " CONNMARK restore mask 0xff"},
    {"mangle", "-A PREROUTING -j CONNMARK --save-mark --nfmask 0xf --ctmask 0xf0", nullptr,
     " CONNMARK save nfmask 0xf ctmask ~0xf0"},
    {"mangle", "-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xf0", nullptr,
     " CONNMARK restore ctmask 0xf0 nfmask ~0xf"},
    {"mangle", "-A PREROUTING -j CONNMARK --save-mark --left-shift-mark 8",
     CONNMARK_SAVED "--save-mark --nfmask 0xffffffff --ctmask 0xffffffff --left-shift-mark 8",
     " CONNMARK save left-shift-mark 8"},
    {"mangle", "-A PREROUTING -j CONNMARK --save-mark --left-shift-mark 2 --right-shift-mark 3",
     CONNMARK_SAVED "--save-mark --nfmask 0xffffffff --ctmask 0xffffffff --right-shift-mark 3",
     " CONNMARK save right-shift-mark 3"},
    {"mangle", "-A PREROUTING -j CONNMARK --set-mark 1 --nfmask 3", CONNMARK_SAVED "--set-xmark 0x1/0xffffffff",
     " CONNMARK set 0x1"},
    {"mangle", "-A PREROUTING -j CONNMARK --set-mark 1 --ctmask 3", CONNMARK_SAVED "--set-xmark 0x1/0x3",
     " CONNMARK xset 0x1/0x3"},
    {"mangle", "-A PREROUTING -j CONNMARK --ctmask 3 --set-mark 1", CONNMARK_SAVED "--set-xmark 0x1/0xffffffff",
     " CONNMARK set 0x1"},
    {"mangle", "-A PREROUTING -j CONNMARK --xor-mark 0", CONNMARK_SAVED "--set-xmark 0x0/0x0",
     " CONNMARK and 0xffffffff"},
    {"mangle", "-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xff --left-shift-mark 4",
     CONNMARK_SAVED "--restore-mark --nfmask 0xff --ctmask 0xffffffff --left-shift-mark 4",
     " CONNMARK restore ctmask 0xffffffff nfmask ~0xff left-shift-mark 4"},

    {"mangle", "-A FORWARD -m connmark --mark 1", "-A FORWARD -m connmark --mark 0x1", " connmark match  0x1"},
    {"mangle", "-A FORWARD -m connmark --mark 0x1/0xff", nullptr, " connmark match  0x1/0xff"},
    {"mangle", "-A FORWARD -m connmark ! --mark 0x10/0x10", nullptr, " connmark match ! 0x10/0x10"},

    {"mangle", "-A INPUT -m connlabel --label 1", "-A INPUT -m connlabel --label \"1\"", " connlabel 1"},
    {"mangle", "-A INPUT -m connlabel --label 127", "-A INPUT -m connlabel --label \"127\"", " connlabel 127"},
    {"mangle", "-A INPUT -m connlabel --label 0x10 --set", "-A INPUT -m connlabel --label \"16\" --set",
     " connlabel 16 set"},
    {"mangle", "-A INPUT -m connlabel ! --label 5 --set", "-A INPUT -m connlabel ! --label \"5\" --set",
     " connlabel ! 5 set"},
    {"mangle", "-A INPUT -m connlabel --label 010", "-A INPUT -m connlabel --label \"8\"", " connlabel 8"},
    {"mangle", "-A INPUT -m connlabel --label 65537", "-A INPUT -m connlabel --label \"1\"", " connlabel 1"},

    {"mangle", "-A OUTPUT -m connbytes --connbytes 10 --connbytes-dir both --connbytes-mode packets",
     BYTES_SAVED "--connbytes 10 --connbytes-mode packets --connbytes-dir both",
     " connbytes 10 connbytes mode packets connbytes direction both"},
    {"mangle", "-A OUTPUT -m connbytes --connbytes 10:20 --connbytes-mode bytes --connbytes-dir original", nullptr,
     " connbytes 10:20 connbytes mode bytes connbytes direction original"},
    {"mangle", "-A OUTPUT -m connbytes ! --connbytes 10:20 --connbytes-mode avgpkt --connbytes-dir reply", nullptr,
     " ! connbytes 10:20 connbytes mode avgpkt connbytes direction reply"},
    {"mangle", "-A OUTPUT -m connbytes ! --connbytes 10 --connbytes-mode packets --connbytes-dir both", nullptr,
     " ! connbytes 10 connbytes mode packets connbytes direction both"},
    {"mangle", "-A OUTPUT -m connbytes --connbytes :20 --connbytes-mode packets --connbytes-dir both",
     BYTES_SAVED "--connbytes 0:20 --connbytes-mode packets --connbytes-dir both",
     " connbytes 0:20 connbytes mode packets connbytes direction both"},
    {"mangle", "-A OUTPUT -m connbytes --connbytes 10:10 --connbytes-mode packets --connbytes-dir both", nullptr,
     " connbytes 10:10 connbytes mode packets connbytes direction both"},
    {"mangle", "-A OUTPUT -m connbytes ! --connbytes 0:0 --connbytes-mode packets --connbytes-dir both",
     BYTES_SAVED "--connbytes 0 --connbytes-mode packets --connbytes-dir both",
     " connbytes 0 connbytes mode packets connbytes direction both"},

    {"raw", "-A OUTPUT -j CT --zone-orig 7", nullptr, " CT zone-orig 7"},
    {"raw", "-A OUTPUT -j CT --zone-reply MARK", "-A OUTPUT -j CT --zone-reply mark", " CT zone-reply mark"},
    {"raw", "-A OUTPUT -j CT --zone-orig 3 --zone-reply 4", "-A OUTPUT -j CT --zone 4", " CT zone 4"},
    {"raw", "-A OUTPUT -j CT --zone-orig 3 --zone 4", "-A OUTPUT -j CT --zone-orig 4", " CT zone-orig 4"},
    {"raw", "-A OUTPUT -j CT --zone-orig 0", "-A OUTPUT -j CT", " CT"},
    {"raw", "-A OUTPUT -j CT --zone-orig mark --zone-reply 4", "-A OUTPUT -j CT --zone mark", " CT zone mark"},
    {"raw", "-A OUTPUT -j CT --zone-orig 4 --zone-reply mark", "-A OUTPUT -j CT --zone mark", " CT zone mark"},
    {"raw", "-A OUTPUT -p tcp -j CT --timeout pol --zone 5", nullptr, " CT timeout pol zone 5"},
    // The kernel shows four bytes of the name.
    {"raw", "-A OUTPUT -p tcp -j CT --timeout aaaaaa", "-A OUTPUT -p tcp -j CT --timeout aaaa", " CT timeout aaaa",
     false},
    {"raw", "-A OUTPUT -p esp -j CT --timeout gen", nullptr, " CT timeout gen"},
    {"raw", "-A OUTPUT -p dccp -j CT --timeout gen", nullptr, " CT timeout gen"},
};

TEST(ConnectionMarksText, Accepted) { ipt::expect_printed_as_iptables<TestNet>(kAccepted); }

constexpr ipt::RefusedRule kRefused[] = {
    {"mangle", "-A PREROUTING -j CONNMARK", "CONNMARK target: No operation specified"},
    {"mangle", "-A PREROUTING -j CONNMARK --mask 3", "CONNMARK target: No operation specified"},
    {"mangle", "-A PREROUTING -j CONNMARK --left-shift-mark 2", "CONNMARK target: No operation specified"},
    {"mangle", "-A PREROUTING -j CONNMARK --set-mark 1 --left-shift-mark 32", "a shift of 32"},
    {"mangle", "-A PREROUTING -j CONNMARK --set-mark 1 --left-shift-mark 33",
     "CONNMARK: bad value for option \"--left-shift-mark\", or out of range (0-32)."},
    {"mangle", "-A PREROUTING -j CONNMARK --set-mark 1 --save-mark",
     "CONNMARK: option \"--set-mark\" cannot be used together with \"--save-mark\"."},
    {"mangle", "-A PREROUTING -j CONNMARK --save-mark --mask 1 --ctmask 2",
     "CONNMARK: option \"--ctmask\" cannot be used together with \"--mask\"."},
    {"mangle", "-A PREROUTING -j CONNMARK --set-mark x",
     "CONNMARK: bad integer value for option \"--set-mark\", or out of range."},
    {"mangle", "-A PREROUTING -j CONNMARK --save-mark --save-mark",
     "CONNMARK: option \"--save-mark\" can only be used once."},
    {"mangle", "-A PREROUTING -j CONNMARK ! --save-mark", "CONNMARK: option \"--save-mark\" cannot be inverted."},
    {"mangle", "-A FORWARD -m connmark", "connmark: option \"--mark\" must be specified"},
    {"mangle", "-A FORWARD -m connmark --mark 0x100000000",
     "connmark: bad integer value for option \"--mark\", or out of range."},
    {"mangle", "-A INPUT -m connlabel --label 128", "Numerical result out of range"},
    {"mangle", "-A INPUT -m connlabel --label foo", "label 'foo' not found or invalid value"},
    {"mangle", "-A INPUT -m connlabel --label foo", "/etc/xtables/connlabel.conf"},
    {"mangle", "-A INPUT -m connlabel --label -1", "label '-1' not found or invalid value"},
    {"mangle", "-A INPUT -m connlabel --label \"\"", "Argument must have a minimum length of 1 characters"},
    {"mangle", "-A INPUT -m connlabel --set", "connlabel: option \"--label\" must be specified"},
    {"mangle", "-A OUTPUT -m connbytes --connbytes 20:10 --connbytes-dir both --connbytes-mode packets",
     "20 should be less than 10"},
    {"mangle", "-A OUTPUT -m connbytes --connbytes 10 --connbytes-dir x --connbytes-mode packets",
     "Unknown --connbytes-dir `x'"},
    {"mangle", "-A OUTPUT -m connbytes --connbytes 10 --connbytes-dir both --connbytes-mode x",
     "Unknown --connbytes-mode `x'"},
    {"mangle", "-A OUTPUT -m connbytes --connbytes 10 --connbytes-dir both",
     "connbytes: option \"--connbytes-mode\" must be specified"},
    {"mangle", "-A OUTPUT -m connbytes --connbytes 1:2:3 --connbytes-dir both --connbytes-mode packets",
     "connbytes: Too many components for option \"--connbytes\" (max: 2)"},
    {"mangle", "-A OUTPUT -m connbytes --connbytes 1:x --connbytes-dir both --connbytes-mode packets",
     "connbytes: bad value for option \"--connbytes\" near \"x\", or out of range (0-18446744073709551615)."},
    {"raw", "-A OUTPUT -j CT --ctevents new,,destroy", "Unknown event type \"\""},
    {"raw", "-A OUTPUT -j CT --ctevents label", "Unknown event type \"label\""},
    {"raw", "-A OUTPUT -p tcp -j CT --timeout nope", "No such timeout policy \"nope\""},
    {"raw", "-A OUTPUT -j CT --timeout pol", "You must specify a L4 protocol and not use inversions on it"},
    {"raw", "-A OUTPUT -p udp -j CT --timeout pol", "can only be used by L4 protocol number 6"},
    {"raw", "-A OUTPUT -p tcp -j CT --timeout gen", "can only be used by L4 protocol number 255"},
    {"raw", "-A OUTPUT -p esp -j CT --timeout pol", "can only be used by L4 protocol number 6"},
};

TEST(ConnectionMarksText, Refused) {
  for (const ipt::RefusedRule& row : kRefused) {
    SCOPED_TRACE(row.rule);
    TestNet net;
    const Status s = net.iptables.load(ipt::table_text(row.table, row.rule), "rules");
    ASSERT_FALSE(s.ok());
    EXPECT_NE(s.error().text.find(row.words), std::string::npos) << s.error().text;
  }
}

// A UDP packet in PREROUTING, tracked or not, past a mangle table of one rule.
class ConnectionMarks : public testing::Test {
 protected:
  void rules(const std::string& text) {
    const Status s = net.iptables.load(text, "rules");
    ASSERT_TRUE(s.ok()) << s.error().str();
  }
  PacketPtr packet(bool reply = false) {
    const Be32 client = ip4(10, 0, 0, 1), server = ip4(10, 0, 0, 2);
    const Bytes bytes = reply ? udp_packet(server, 53, client, 4000, 0) : udp_packet(client, 4000, server, 53, 0);
    PacketPtr p = net.stack.pool().allocate(static_cast<uint32_t>(bytes.size()));
    std::memcpy(p->put(static_cast<uint32_t>(bytes.size())), bytes.data(), bytes.size());
    return p;
  }
  // In, mangle, confirm.
  Connection* pass(PacketPtr& p) {
    const HookState in{HookPoint::kPreRouting, nullptr, nullptr, &net.stack, now, nullptr};
    const HookState out{HookPoint::kPostRouting, nullptr, nullptr, &net.stack, now, nullptr};
    EXPECT_EQ(net.conntrack.nf_conntrack_in(p, in), Verdict::kAccept);
    EXPECT_EQ(net.iptables.do_table(ipt::TableId::kMangle, p, in), Verdict::kAccept);
    EXPECT_EQ(net.conntrack.nf_conntrack_confirm(p, out), Verdict::kAccept);
    return connection_of(p->ct);
  }
  TestNet net;
  Time now = 1'700'000'000 * kSecond;
};

TEST_F(ConnectionMarks, Connmark) {
  constexpr struct {
    const char* rule;
    uint32_t connection, packet, connection_after, packet_after;
  } kRows[] = {
      {"--set-xmark 0x1/0x3", 0x6, 0, 0x5, 0},
      {"--set-mark 0x10/0xf0", 0x23, 0, 0x13, 0},
      {"--and-mark 0xf", 0x35, 0, 0x5, 0},
      {"--or-mark 0x10", 0x5, 0, 0x15, 0},
      {"--xor-mark 0x3", 0x5, 0, 0x6, 0},
      {"--set-mark 0x3 --left-shift-mark 4", 0, 0, 0x30, 0},
      {"--save-mark", 0x5, 0x9, 0x9, 0x9},
      {"--save-mark --nfmask 0xf --ctmask 0xf0", 0xab, 0x35, 0xe, 0x35},
      {"--save-mark --nfmask 0xf --ctmask 0xf0 --left-shift-mark 4", 0xab, 0x35, 0x5b, 0x35},
      {"--restore-mark", 0x5, 0x9, 0x5, 0x5},
      {"--restore-mark --nfmask 0xf --ctmask 0xf0 --right-shift-mark 4", 0xab, 0x35, 0xab, 0x3a},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.rule);
    rules(std::string("*mangle\nCOMMIT\n"));
    PacketPtr first = packet();
    rules("*mangle\n-A PREROUTING -m conntrack --ctstate NEW\nCOMMIT\n");
    pass(first)->mark = row.connection;
    rules(std::string("*mangle\n-A PREROUTING -j CONNMARK ") + row.rule + "\nCOMMIT\n");
    PacketPtr p = packet(true);
    p->mark = row.packet;
    const Connection* c = pass(p);
    ASSERT_EQ(c, connection_of(first->ct));
    EXPECT_EQ(c->mark, row.connection_after);
    EXPECT_EQ(p->mark, row.packet_after);
    net.conntrack.flush(now);
  }
}

TEST_F(ConnectionMarks, EventsTellChangesOnly) {
  std::vector<uint16_t> events;
  net.conntrack.listen([&](const EventReport& e) { events.push_back(e.events); });
  rules("*mangle\n-A PREROUTING -j CONNMARK --set-mark 7\n-A PREROUTING -m connlabel --label 9 --set\nCOMMIT\n");
  PacketPtr a = packet(), b = packet(), c = packet(true);
  pass(a);
  pass(b);
  pass(c);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0], kEventNew | kEventMark | kEventLabel);
  EXPECT_EQ(events[1], kEventReply);
}

TEST_F(ConnectionMarks, Labels) {
  rules("*mangle\n-A PREROUTING -m conntrack --ctstate NEW\nCOMMIT\n");
  PacketPtr before = packet();
  EXPECT_EQ(labels_of(*pass(before)), nullptr);

  const std::string kRules =
      "*mangle\n-A PREROUTING -m connlabel --label 70\n-A PREROUTING -m connlabel ! --label 70\n"
      "-A PREROUTING -m connlabel --label 70 --set\n-A PREROUTING -m connlabel --label 70\nCOMMIT\n";
  rules(kRules);
  const auto counts = [&] {
    std::vector<uint64_t> out;
    for (const auto& rule : net.iptables.rule_counters(false))
      if (rule.chain == "PREROUTING" && rule.number != 0) out.push_back(rule.packets);
    return out;
  };
  // A connection from before has no place for labels.
  PacketPtr old = packet();
  EXPECT_EQ(labels_of(*pass(old)), nullptr);
  EXPECT_EQ(counts(), (std::vector<uint64_t>{0, 1, 0, 0}));
  net.conntrack.flush(now);
  PacketPtr fresh = packet(), second = packet();
  const Connection* c = pass(fresh);
  ASSERT_NE(labels_of(*c), nullptr);
  EXPECT_EQ(labels_of(*c)->words, (std::array<uint64_t, 2>{0, uint64_t{1} << 6}));
  EXPECT_EQ(counts(), (std::vector<uint64_t>{0, 2, 1, 1}));
  pass(second);
  EXPECT_EQ(counts(), (std::vector<uint64_t>{1, 2, 2, 2}));
}

TEST_F(ConnectionMarks, ConnbytesTurnsCountersOn) {
  EXPECT_EQ(*net.stack.sysctl().get("net.netfilter.nf_conntrack_acct"), 0);
  rules(
      "*mangle\n"
      "-A PREROUTING -m connbytes --connbytes 2:3 --connbytes-dir original --connbytes-mode packets\n"
      "-A PREROUTING -m connbytes ! --connbytes 2:3 --connbytes-dir original --connbytes-mode packets\n"
      "-A PREROUTING -m connbytes --connbytes 57 --connbytes-dir both --connbytes-mode bytes\n"
      "-A PREROUTING -m connbytes --connbytes 28:28 --connbytes-dir both --connbytes-mode avgpkt\n"
      "-A PREROUTING -m connbytes --connbytes 1 --connbytes-dir reply --connbytes-mode packets\n"
      "COMMIT\n");
  EXPECT_EQ(*net.stack.sysctl().get("net.netfilter.nf_conntrack_acct"), 1);
  for (const bool reply : {false, false, true, false, false}) {
    PacketPtr p = packet(reply);
    pass(p);
  }
  std::vector<uint64_t> counts;
  for (const auto& rule : net.iptables.rule_counters(false))
    if (rule.chain == "PREROUTING" && rule.number != 0) counts.push_back(rule.packets);
  // The packets 1 2 2 3 4 of the original direction; 28 56 84 112 140 bytes; 0 0 1 1 1 of the reply.
  EXPECT_EQ(counts, (std::vector<uint64_t>{3, 2, 3, 5, 3}));
}

}  // namespace
}  // namespace nf::ct
