// A conversation of two hosts whose connection has a helper, without NAT, for tests. Only tests include it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conntrack/expect.h"
#include "conntrack/helper.h"
#include "conntrack/helper/helpers.h"
#include "conntrack/test_support.h"
#include "datapath/base/text.h"

namespace nf::ct::test {

class HelperTalk {
 public:
  static constexpr uint16_t kClientPort = 40000;

  HelperTalk(std::string_view helper, uint8_t protocol) : protocol_(protocol) {
    register_helpers(w.ct, {});
    const Helper* h = w.ct.helpers().find(helper, protocol);
    EXPECT_NE(h, nullptr) << helper;
    port_ = h->port();
    template_ = w.ct.template_alloc({.helper = h});
  }
  ~HelperTalk() { w.ct.put(*template_); }
  HelperTalk(const HelperTalk&) = delete;
  HelperTalk& operator=(const HelperTalk&) = delete;

  void handshake() {
    ASSERT_TRUE(segment(true, "S", {}));
    ASSERT_TRUE(segment(false, "SA", {}));
    ASSERT_TRUE(segment(true, "A", {}));
  }
  // One side says something; false: dropped.
  bool say(bool client, std::string_view payload) {
    return protocol_ == kProtoTcp ? segment(client, "PA", payload) : datagram(client, payload);
  }
  // "10.0.2.2:* > 10.0.1.2:4000/17" of each expectation, the oldest first.
  std::vector<std::string> expected() {
    std::vector<std::string> all;
    w.ct.expectations().for_each([&](Expectation& e) { all.push_back(describe(e)); }, w.stack.now_);
    return all;
  }
  size_t forget() {
    const size_t n = w.ct.expectations().count();
    w.ct.expectations().flush(w.stack.now_);
    return n;
  }

  World w;

 private:
  static std::string describe(const Expectation& e) {
    const std::string from = e.mask_source.is_zero() ? "*" : format_ipv4(e.tuple.source);
    const std::string id = e.mask_source_id == Be16{} ? "*" : std::to_string(e.tuple.source_id.host());
    return from + ":" + id + " > " + format_ipv4(e.tuple.destination) + ":" +
           std::to_string(e.tuple.destination_id.host()) + "/" + std::to_string(e.tuple.protocol);
  }
  bool segment(bool client, std::string_view flags, std::string_view payload) {
    const size_t me = client ? 0 : 1;
    const TcpFields f{
        .flags = flags, .seq = next_[me], .ack = flags == "S" ? 0 : next_[1 - me], .length = payload.size()};
    Bytes b =
        client ? tcp_packet(kHostA, kClientPort, kHostB, port_, f) : tcp_packet(kHostB, port_, kHostA, kClientPort, f);
    std::copy(payload.begin(), payload.end(), b.end() - static_cast<ptrdiff_t>(payload.size()));
    next_[me] += static_cast<uint32_t>(payload.size()) + (flags.find('S') != std::string_view::npos ? 1 : 0);
    return pass(b);
  }
  bool datagram(bool client, std::string_view payload) {
    Bytes b = client ? udp_packet(kHostA, kClientPort, kHostB, port_, payload.size())
                     : udp_packet(kHostB, port_, kHostA, kClientPort, payload.size());
    std::copy(payload.begin(), payload.end(), b.end() - static_cast<ptrdiff_t>(payload.size()));
    return pass(b);
  }
  // Sums are not looked at: FORWARD of a packet whose sum somebody else has verified.
  bool pass(const Bytes& bytes) {
    w.set("checksum", "0");
    PacketPtr p = w.make(bytes);
    Conntrack::get(*template_);
    p->ct = reinterpret_cast<uintptr_t>(template_);
    p->ctinfo = CtInfo::kNew;
    return w.in(p) == Verdict::kAccept && w.confirm(p) == Verdict::kAccept;
  }

  uint8_t protocol_;
  uint16_t port_ = 0;
  Connection* template_ = nullptr;
  uint32_t next_[2] = {1000, 5000};
};

// Whatever is said, nothing breaks: every beginning of the messages, every byte changed, and bytes by chance.
inline void say_anything(HelperTalk& talk, const std::vector<std::string>& messages, size_t at_most) {
  Random random(7);
  const auto say = [&](const std::string& s) {
    const bool client = random.below(2) == 0;
    talk.say(client, s);
    ASSERT_LE(talk.w.ct.expectations().count(), at_most);
    talk.w.advance(kMillisecond);
  };
  for (const std::string& m : messages) {
    for (size_t n = 1; n <= m.size(); ++n) say(m.substr(0, n));
    for (size_t i = 0; i < m.size(); ++i) {
      std::string changed = m;
      changed[i] = static_cast<char>(random.below(256));
      say(changed);
      say(m);
    }
  }
  for (int i = 0; i < 3000; ++i) {
    std::string s(1 + random.below(60), '\0');
    // Mostly of what the messages are made of.
    const std::string& m = messages[random.below(static_cast<uint32_t>(messages.size()))];
    for (char& c : s)
      c = random.below(4) == 0 ? static_cast<char>(random.below(256))
                               : m[random.below(static_cast<uint32_t>(m.size()))];
    say(s);
  }
}

}  // namespace nf::ct::test
