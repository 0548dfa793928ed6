// What the matches of connections say of a miss is true (datapath/iptables/miss_property_test.cc has the others), and
// every sentence there is about misses is reached by one of the two.
#include <gtest/gtest.h>

#include <fstream>

#include "conntrack/conntrack.h"
#include "conntrack/helper.h"
#include "conntrack/rare_parts.h"
#include "conntrack/xt/xt.h"
#include "datapath/hook/fake_stack.h"
#include "datapath/iptables/miss_truth_test_support.h"
#include "datapath/iptables/test_random_rules.h"

namespace nf::ct {
namespace {

class ConnectionRules final : public ipt::RulesetGenerator {
 public:
  using RulesetGenerator::RulesetGenerator;

 private:
  static constexpr const char* kStates[] = {"NEW", "ESTABLISHED,RELATED", "INVALID", "UNTRACKED,NEW", "SNAT,DNAT"};
  static constexpr const char* kProtocols[] = {"tcp", "udp", "0"};
  static constexpr const char* kHosts[] = {"10.0.0.1", "10.0.0.0/30", "0.0.0.0/0", "10.9.0.0/16"};
  static constexpr const char* kPorts[] = {"80", "1:79", "1024:65535"};
  static constexpr const char* kStatuses[] = {"NONE", "ASSURED", "EXPECTED,SEEN_REPLY", "CONFIRMED"};
  static constexpr const char* kExpires[] = {"30", "0:29", "31:100"};
  static constexpr const char* kMarks[] = {"0x1", "0x2/0x3", "0x0"};
  static constexpr const char* kLabels[] = {"1", "70"};
  static constexpr const char* kHelpers[] = {"ftp", "\"\"", "\"tftp 1\""};
  static constexpr const char* kRanges[] = {"3", "0:2", "100:"};

  void more_matches(std::vector<std::string>& list) override {
    if (maybe(2)) {
      std::string match = " -m conntrack";
      if (maybe(3)) match += option("--ctstate", kStates);
      if (maybe(6)) match += option("--ctproto", kProtocols);
      for (const char* host : {"--ctorigsrc", "--ctorigdst", "--ctreplsrc", "--ctrepldst"})
        if (maybe(7)) match += option(host, kHosts);
      for (const char* port : {"--ctorigsrcport", "--ctorigdstport", "--ctreplsrcport", "--ctrepldstport"})
        if (maybe(9)) match += option(port, kPorts);
      if (maybe(7)) match += option("--ctstatus", kStatuses);
      if (maybe(7)) match += option("--ctexpire", kExpires);
      if (maybe(7) || match == " -m conntrack") match += std::string(" --ctdir ") + (maybe(2) ? "REPLY" : "ORIGINAL");
      list.push_back(match);
    }
    if (maybe(8)) list.push_back(" -m state" + option("--state", std::to_array({"NEW", "ESTABLISHED", "UNTRACKED"})));
    if (maybe(6)) list.push_back(" -m connmark" + option("--mark", kMarks));
    if (maybe(5)) list.push_back(" -m connlabel" + option("--label", kLabels) + (maybe(3) ? " --set" : ""));
    if (maybe(6)) list.push_back(" -m helper" + option("--helper", kHelpers));
    if (maybe(5))
      list.push_back(" -m connbytes" + option("--connbytes", kRanges) + " --connbytes-mode " +
                     any_word({"packets", "bytes", "avgpkt"}) + " --connbytes-dir " +
                     any_word({"original", "reply", "both"}));
  }
  using RulesetGenerator::option;
  std::string option(const char* name, const auto& words) {
    return std::string(negation()) + " " + name + " " + words[random_.below(static_cast<uint32_t>(words.size()))];
  }
  std::string any_word(std::initializer_list<const char*> words) {
    return words.begin()[random_.below(static_cast<uint32_t>(words.size()))];
  }
};

class FtpHelper final : public Helper {
 public:
  FtpHelper() : Helper("ftp", kProtoTcp, 21) {}
  std::span<const ExpectPolicy> policies() const override { return {}; }
  Verdict help(const HelpInput&) const override { return Verdict::kAccept; }
};

// A connection as no traffic need have made it: the matches only read it.
class Case {
 public:
  explicit Case(uint64_t seed) : random_(seed) {
    ipt::register_base_extensions(registry_);
    register_conntrack_extensions(registry_, conntrack_);
    ipt::some_address_types(stack_);
    for (Tuple& t : connection_.tuple) {
      t.protocol = random_.below(2) == 0 ? kProtoTcp : kProtoUdp;
      t.source = ip4(10, 0, 0, static_cast<uint8_t>(random_.below(8)));
      t.destination = ip4(10, 0, 0, static_cast<uint8_t>(random_.below(8)));
      t.source_id = be16(random_.below(2) == 0 ? 80 : 4000);
      t.destination_id = be16(random_.below(2) == 0 ? 80 : 22);
    }
    connection_.status = random_.below(3) == 0 ? 0 : random_.u32() & (kSeenReply | kAssured | kSrcNat | kDstNat);
    if (random_.below(2) == 0) connection_.status |= kConfirmed;
    connection_.expires = stack_.now_ + random_.below(60) * kSecond;
    connection_.mark = random_.below(4);
    if (random_.below(3) != 0) connection_.extensions |= kExtAcct;
    for (Counter& n : connection_.counters) n = {random_.below(4), random_.below(300)};
    if (random_.below(3) != 0) {
      labels().has_labels = true;
      if (random_.below(2) == 0) labels().labels.words = {2, random_.below(2) << 6};
    }
    if (random_.below(2) == 0) {
      connection_.master = &master_;
      if (random_.below(2) == 0) add_help(master_).helper = &ftp_;
    }
  }
  ~Case() {
    delete connection_.rare;
    delete master_.rare;
  }
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  void check(std::map<std::string, int>& keys) {
    std::string conditions;
    do
      conditions =
          ConnectionRules(random_, ipt::TableId::kMangle, {.header = 25, .match = 60}).conditions(HookPoint::kForward);
    while (ipt::is_lost_when_saved(conditions));
    SCOPED_TRACE(conditions);
    ipt::PacketSpec spec = ipt::random_packet(random_);
    if (conditions.find(" -p tcp") != std::string::npos) spec.protocol = kProtoTcp;
    if (conditions.find(" -p udp") != std::string::npos) spec.protocol = kProtoUdp;
    const bool tracked = random_.below(4) != 0;
    const CtInfo info = static_cast<CtInfo>(random_.below(5));
    const bool untracked = random_.below(2) == 0;
    const Device in = ipt::make_device(1, "eth0"), out = ipt::make_device(2, "eth1");
    const Labels before = labels().labels;
    const auto ask = [&](ipt::Program& asked, trace::Sink* sink) {
      labels().labels = before;
      PacketPtr p = ipt::make_packet(stack_.pool_, spec);
      p->dev = &in;
      p->ct = tracked ? reinterpret_cast<uintptr_t>(&connection_) : 0;
      p->ctinfo = tracked ? info : untracked ? CtInfo::kUntracked : CtInfo::kNone;
      const HookState state{HookPoint::kForward, &in, &out, &stack_, stack_.now_, sink};
      const Verdict v = asked.run(p, state);
      p->ct = 0;
      return v;
    };
    const auto run = [&](ipt::Program& asked, trace::Sink& sink) { return ask(asked, &sink); };
    ipt::Loader loader(registry_, {});
    ASSERT_TRUE(loader.parse("*mangle\n-A FORWARD" + conditions + "\nCOMMIT\n", "random").ok());
    ipt::Program program(loader.table(ipt::TableId::kMangle));
    // Looking on sets no label.
    ask(program, nullptr);
    const Labels untraced = labels().labels;
    ipt::MissListener listener;
    run(program, listener);
    ASSERT_EQ(labels().labels, untraced);
    const ipt::MissTruth truth(registry_, ipt::TableId::kMangle, HookPoint::kForward, run);
    for (const ipt::ToldMiss& miss : listener.misses) ASSERT_NO_FATAL_FAILURE(truth.check(miss, keys));
  }

 private:
  RareParts& labels() { return rare_parts(connection_); }

  Random random_;
  FakeStack stack_;
  Conntrack conntrack_{stack_, Options{1, 1024}};
  ipt::ExtensionRegistry registry_;
  FtpHelper ftp_;
  Connection connection_, master_;
};

std::set<std::string> keys_with_words() {
  const std::string here = __FILE__;
  std::ifstream in(here.substr(0, here.rfind("/conntrack/")) + "/tools/words/words_miss.inc");
  std::set<std::string> keys;
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("X(\"")) keys.insert(line.substr(3, line.find('"', 3) - 3));
  return keys;
}

TEST(ConnectionMissProperty, WhatIsSaidOfAMissIsTrue) {
  std::map<std::string, int> keys;
  for (uint64_t seed = 1; seed <= 4000 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Case(seed).check(keys);
  }
  std::set<std::string> said = ipt::base_miss_keys();
  said.insert("miss.match");  // reached in datapath/iptables/miss_test.cc
  int misses = 0;
  for (const auto& [key, times] : keys) {
    misses += times;
    said.insert(key);
  }
  EXPECT_GT(misses, 3000);
  EXPECT_EQ(said, keys_with_words());
}

}  // namespace
}  // namespace nf::ct
