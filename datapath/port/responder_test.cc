// The kernel is the oracle: the same packets go to it through a TUN and to the Responder, and the answers' bytes are
// compared.
#include "datapath/port/responder.h"

#include "datapath/base/text.h"
#include "datapath/port/test_frames.h"
#include "datapath/port/test_namespace.h"
#include "datapath/port/tun_port.h"

namespace nf {
namespace {

using test::make_ip;

// What came back: a packet's bytes with the id of non-DF packets zeroed, or the type and code of an ICMP error.
struct Answer {
  std::vector<uint8_t> reply;
  int error = -1;  // type << 8 | code
  bool operator==(const Answer&) const = default;
};

std::string show(const Answer& a) {
  std::string s = strf("error %d, reply", a.error);
  for (const uint8_t b : a.reply) s += strf(" %02x", b);
  return s;
}

void normalize(Packet& p) {
  if (p.ip().dont_fragment()) return;
  p.ip().id = Be16{};
  ip_send_check(p.ip());
}

class Pair {
 public:
  Pair() {
    auto r = TunPort::open({.name = "u0"});
    EXPECT_TRUE(r.ok()) << r.error().str();
    tun_ = r.take();
    EXPECT_TRUE(write_proc_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"));
    EXPECT_TRUE(write_proc_file("/proc/sys/net/ipv4/icmp_ratelimit", "0"));
    EXPECT_TRUE(write_proc_file("/proc/sys/net/ipv4/icmp_msgs_burst", "100000"));
    EXPECT_TRUE(write_proc_file("/proc/sys/net/ipv4/icmp_msgs_per_sec", "100000"));
    run("ip link set lo up && ip link set u0 up && ip addr add 10.9.0.2/24 dev u0");
    responder_.set_sink([this](PacketPtr p) {
      normalize(*p);
      ours_.reply = test::copy_bytes(*p);
    });
    responder_.set_icmp_error(
        [this](const Packet&, uint8_t type, uint8_t code, uint32_t) { ours_.error = type << 8 | code; });
  }

  // True when both answered the same.
  testing::AssertionResult same(PacketPtr p) {
    ours_ = {};
    PacketPtr copy = pool_.copy(*p);
    copy->dst.type = RouteType::kLocal;
    responder_.deliver(std::move(copy), 0);

    EXPECT_TRUE(tun_->send(std::move(p)));
    Answer kernel;
    std::vector<PacketPtr> got;
    tun_->receive(pool_, got, 8);
    if (got.size() > 1) return testing::AssertionFailure() << "the kernel sent " << got.size() << " packets";
    for (PacketPtr& g : got) {
      complete_checksum(*g);
      const IcmpHeader* icmp = g->ip().protocol == kProtoIcmp ? view<IcmpHeader>(g->transport()) : nullptr;
      if (icmp != nullptr && icmp->is_error()) {
        kernel.error = icmp->type << 8 | icmp->code;
      } else {
        normalize(*g);
        kernel.reply = test::copy_bytes(*g);
      }
    }
    answered_ += kernel != Answer{};
    if (kernel == ours_) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "kernel: " << show(kernel) << "\nours:   " << show(ours_);
  }
  // How many packets the kernel answered at all: a sweep that it never answered has shown nothing.
  int answered() const { return answered_; }

  PacketPool pool_;
  Responder responder_{pool_};

 private:
  std::unique_ptr<TunPort> tun_;
  Answer ours_;
  int answered_ = 0;
};

TEST(Responder, TcpSegmentsAgainstKernel) {
  in_namespace([] {
    Pair pair;
    Random random(7);
    for (int flags = 0; flags < 256; ++flags) {
      for (const size_t payload : {0u, 3u, 100u}) {
        PacketPtr p = test::make_tcp(pair.pool_, payload, static_cast<uint8_t>(flags));
        TcpHeader& tcp = *view<TcpHeader>(p->transport());
        tcp.sequence = be32(random.u32());
        tcp.acknowledgment = be32(random.u32());
        p->ip().tos = static_cast<uint8_t>(random.u16());
        ip_send_check(p->ip());
        fill_transport_checksum(*p);
        p->checksum = ChecksumState::kNone;
        ASSERT_TRUE(pair.same(std::move(p))) << "flags " << flags << " payload " << payload;
      }
    }
    EXPECT_EQ(pair.answered(), 384);  // all but those with RST
  });
}

TEST(Responder, MalformedTcpAgainstKernel) {
  in_namespace([] {
    Pair pair;
    // Data offset against what is there, in a segment of 24 bytes.
    for (unsigned offset = 0; offset < 16; ++offset) {
      PacketPtr p = test::make_tcp(pair.pool_, 4, kTcpSyn);
      view<TcpHeader>(p->transport())->offset_reserved = static_cast<uint8_t>(offset << 4);
      fill_transport_checksum(*p);
      p->checksum = ChecksumState::kNone;
      ASSERT_TRUE(pair.same(std::move(p))) << "offset " << offset;
    }
    EXPECT_EQ(pair.answered(), 2);  // 5 and 6 words
    for (size_t length = 0; length < 20; ++length)
      ASSERT_TRUE(pair.same(make_ip(pair.pool_, kProtoTcp, test::pattern(length)))) << "length " << length;
    for (const bool partial : {false, true}) {
      PacketPtr p = test::make_tcp(pair.pool_, 4, kTcpSyn);
      view<TcpHeader>(p->transport())->window = be16(501);  // the checksum is wrong now
      if (partial) test::to_partial(*p);                    // and now it does not matter
      ASSERT_TRUE(pair.same(std::move(p))) << "partial " << partial;
    }
    EXPECT_EQ(pair.answered(), 3);
    EXPECT_EQ(pair.responder_.drops()[static_cast<size_t>(DropReason::kTransportChecksum)], 1u);
  });
}

// Options of every length: of kinds with and without a meaning, that fit and that do not.
TEST(Responder, TcpOptionsAgainstKernel) {
  in_namespace([] {
    Pair pair;
    Random random(11);
    for (int i = 0; i < 1000; ++i) {
      PacketPtr p = test::make_tcp(pair.pool_, 4 * random.below(11));
      const std::span<uint8_t> l4 = p->transport();
      for (size_t at = sizeof(TcpHeader); at < l4.size();) {
        constexpr uint8_t kKinds[] = {1, 1, 1, 2, 5, 19, 29, 80, 0};
        l4[at++] = kKinds[random.below(std::size(kKinds))];
        if (l4[at - 1] <= 1 || at == l4.size()) continue;
        const uint32_t length = random.below(8) == 0 ? random.below(45) : 2 + random.below(17);
        l4[at] = static_cast<uint8_t>(length);
        at += length > 2 ? length - 1 : 1;
      }
      view<TcpHeader>(l4)->offset_reserved = static_cast<uint8_t>(l4.size() / 4 << 4);
      fill_transport_checksum(*p);
      p->checksum = ChecksumState::kNone;
      const std::vector<uint8_t> bytes = test::copy_bytes(*p);
      ASSERT_TRUE(pair.same(std::move(p))) << i << ": " << show({bytes, 0});
    }
    EXPECT_GT(pair.answered(), 300);
    EXPECT_LT(pair.answered(), 900);
  });
}

TEST(Responder, IcmpAgainstKernel) {
  in_namespace([] {
    Pair pair;
    for (unsigned type = 0; type < 256; ++type) {
      // The timestamp's answer holds the time of day: below.
      if (type == kIcmpTimestamp) continue;
      for (const uint8_t code : {uint8_t{0}, uint8_t{5}}) {
        for (const size_t length : {8u, 9u, 64u, 1400u}) {
          std::vector<uint8_t> l4 = test::pattern(length);
          l4[0] = static_cast<uint8_t>(type);
          l4[1] = code;
          PacketPtr p = make_ip(pair.pool_, kProtoIcmp, l4, static_cast<uint8_t>(type * 3 + code));
          fill_transport_checksum(*p);
          p->checksum = ChecksumState::kNone;
          ASSERT_TRUE(pair.same(std::move(p))) << "type " << type << " code " << int{code} << " length " << length;
        }
      }
    }
    EXPECT_EQ(pair.answered(), 8);  // the echo requests
    for (size_t length = 0; length < 9; ++length) {
      std::vector<uint8_t> l4(length);
      if (length > 0) l4[0] = kIcmpEcho;
      PacketPtr p = make_ip(pair.pool_, kProtoIcmp, l4);
      const Be16 sum = checksum_finish(checksum_add(p->transport()));
      if (length >= 4) std::memcpy(p->transport().data() + 2, &sum, 2);
      ASSERT_TRUE(pair.same(std::move(p))) << "length " << length;
    }
    EXPECT_EQ(pair.answered(), 9);  // 8 bytes, whole, is enough
    PacketPtr wrong = make_ip(pair.pool_, kProtoIcmp, std::vector<uint8_t>{8, 0, 1, 2, 3, 4, 5, 6});
    ASSERT_TRUE(pair.same(std::move(wrong)));
    EXPECT_EQ(pair.answered(), 9);
  });
}

// RFC 792: milliseconds since midnight UT. Lengths as the kernel takes them: 12 bytes are enough, the reply has 20.
TEST(Responder, TimestampReply) {
  PacketPool pool;
  Responder responder(pool);
  PacketPtr reply;
  responder.set_sink([&](PacketPtr p) { reply = std::move(p); });
  const Time now = (20'000 * int64_t{86'400} + 3'661) * kSecond + 5 * kMillisecond;  // 01:01:01.005
  for (const size_t length : {11u, 12u, 20u, 40u}) {
    std::vector<uint8_t> l4(length, 0x77);
    l4[0] = kIcmpTimestamp;
    l4[1] = 1;
    PacketPtr p = make_ip(pool, kProtoIcmp, l4);
    fill_transport_checksum(*p);
    responder.deliver(std::move(p), now);
    if (length < 12) {
      EXPECT_EQ(reply, nullptr);
      continue;
    }
    ASSERT_NE(reply, nullptr);
    const std::vector<uint8_t> got(reply->transport().begin() + 4, reply->transport().end());
    // 3,661,005 ms = 0x37dccd
    EXPECT_EQ(got, (std::vector<uint8_t>{0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x00, 0x37, 0xdc, 0xcd, 0x00,
                                         0x37, 0xdc, 0xcd}));
    EXPECT_EQ(reply->transport()[0], kIcmpTimestampReply);
    EXPECT_EQ(reply->transport()[1], 0);
    reply->checksum = ChecksumState::kNone;
    EXPECT_TRUE(transport_checksum_ok(*reply));
    reply.reset();
  }
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST(Responder, UdpAgainstKernel) {
  in_namespace([] {
    Pair pair;
    for (const bool lite : {false, true}) {
      for (unsigned field = 0; field < 30; ++field) {    // UDP: length; UDP-Lite: coverage
        for (const int check : {0, 1, 2}) {              // right, wrong, none
          PacketPtr p = test::make_udp(pair.pool_, 13);  // 21 bytes
          p->ip().protocol = lite ? kProtoUdplite : kProtoUdp;
          ip_send_check(p->ip());
          UdpHeader& udp = *view<UdpHeader>(p->transport());
          udp.length = be16(static_cast<uint16_t>(field));
          udp.checksum = Be16{};
          const size_t covered = field < 8 || field > 21 ? 21 : field;
          const Sum pseudo =
              checksum_pseudo(test::kIpA, test::kIpB, p->ip().protocol, static_cast<uint32_t>(lite ? 21 : covered));
          udp.checksum = checksum_finish(checksum_add(p->transport().first(covered), pseudo));
          if (check == 1) udp.checksum = be16(static_cast<uint16_t>(udp.checksum.host() ^ 0x0101));
          if (check == 2) udp.checksum = Be16{};
          ASSERT_TRUE(pair.same(std::move(p))) << "lite " << lite << " field " << field << " check " << check;
        }
      }
    }
    // UDP 8..21 with a right or no checksum; UDP-Lite 0 and 8..21 with a right one.
    EXPECT_EQ(pair.answered(), 2 * 14 + 15);
    for (const uint8_t protocol : {uint8_t{kProtoUdp}, uint8_t{kProtoUdplite}})
      for (size_t length = 0; length < 8; ++length)
        ASSERT_TRUE(pair.same(make_ip(pair.pool_, protocol, std::vector<uint8_t>(length))));
    EXPECT_EQ(pair.answered(), 2 * 14 + 15);
  });
}

TEST(Responder, AllProtocolsAgainstKernel) {
  in_namespace([] {
    Pair pair;
    for (unsigned protocol = 0; protocol < 256; ++protocol)
      ASSERT_TRUE(pair.same(make_ip(pair.pool_, static_cast<uint8_t>(protocol), std::vector<uint8_t>(28))))
          << "protocol " << protocol;
    EXPECT_EQ(pair.answered(), 250);
  });
}

TEST(Responder, BroadcastIsNotAnswered) {
  PacketPool pool;
  Responder responder(pool);
  int answers = 0;
  responder.set_sink([&](PacketPtr) { ++answers; });
  responder.set_icmp_error([&](const Packet&, uint8_t, uint8_t, uint32_t) { ++answers; });
  const std::vector<uint8_t> echo = {8, 0, 0xf7, 0xff, 0, 0, 0, 0};
  for (int round = 0; round < 2; ++round) {
    PacketPtr packets[] = {test::make_tcp(pool, 0, kTcpSyn), test::make_udp(pool, 4), make_ip(pool, kProtoIcmp, echo)};
    for (PacketPtr& p : packets) {
      p->dst.type = round == 0 ? RouteType::kBroadcast : RouteType::kLocal;
      responder.deliver(std::move(p), 0);
    }
    EXPECT_EQ(answers, round == 0 ? 0 : 3);
  }
  // To our address in a broadcast frame: the kernel answers no segment.
  PacketPtr p = test::make_tcp(pool, 0, kTcpSyn);
  p->type = PacketType::kBroadcast;
  responder.deliver(std::move(p), 0);
  EXPECT_EQ(answers, 3);
}

// Seen on the kernel: successive echo replies within one tick count up by one.
TEST(Responder, EchoIdsCountUp) {
  PacketPool pool;
  Responder responder(pool, 5);
  std::vector<uint16_t> ids;
  responder.set_sink([&](PacketPtr p) {
    EXPECT_EQ(p->ip().fragment, Be16{});
    ids.push_back(p->ip().id.host());
  });
  const std::vector<uint8_t> echo = {8, 0, 0xf7, 0xff, 0, 0, 0, 0};
  for (int i = 0; i < 3; ++i) responder.deliver(make_ip(pool, kProtoIcmp, echo), 0);
  ASSERT_EQ(ids.size(), 3u);
  EXPECT_EQ(static_cast<uint16_t>(ids[1] - ids[0]), 1);
  EXPECT_EQ(static_cast<uint16_t>(ids[2] - ids[1]), 1);
  responder.set_next_id([](const Ipv4Header& ip) { return ip.destination == test::kIpA ? 77 : 0; });
  responder.deliver(make_ip(pool, kProtoIcmp, echo), 0);
  EXPECT_EQ(ids.back(), 77);
}

}  // namespace
}  // namespace nf
