#include "conntrack/seqadj.h"

#include <gtest/gtest.h>

#include <memory>

#include "datapath/packet/testing.h"

namespace nf::ct {
namespace {

struct Adjusted {
  Connection c;
  RareParts rare;
  Adjusted() {
    c.rare = &rare;
    rare.has_seqadj = true;
  }
};

struct Change {
  uint32_t sequence;
  int32_t longer;
};
struct OffsetCase {
  const char* what;
  std::vector<Change> changes;
  struct At {
    uint32_t sequence;
    int32_t offset;
  };
  std::vector<At> at;
};

// By hand from "what begins behind the changed segment is so much further".
TEST(SeqAdjust, OffsetsOfADirection) {
  const OffsetCase cases[] = {
      {"nothing changed", {}, {{0, 0}, {1000, 0}}},
      {"one change counts behind its segment's beginning", {{1000, 6}}, {{999, 0}, {1000, 0}, {1001, 6}, {5000, 6}}},
      {"a second adds to the first", {{1000, 6}, {1100, -2}}, {{1050, 6}, {1100, 6}, {1101, 4}}},
      {"a repeated segment changes nothing", {{1000, 6}, {1000, 6}}, {{1000, 0}, {1001, 6}}},
      {"nor does an earlier one", {{1000, 6}, {900, 3}}, {{950, 0}, {1001, 6}}},
      {"equal lengths are no change", {{1000, 0}}, {{2000, 0}}},
      {"numbers wrap", {{0xfffffff0u, 6}}, {{0xfffffff0u, 0}, {5, 6}}},
  };
  for (const OffsetCase& k : cases) {
    SCOPED_TRACE(k.what);
    Adjusted a;
    for (const Change& change : k.changes) seqadj_set(a.c, CtInfo::kEstablished, change.sequence, change.longer);
    for (const OffsetCase::At& at : k.at)
      EXPECT_EQ(seq_offset(a.c, CtDirection::kOriginal, at.sequence), at.offset) << at.sequence;
    EXPECT_EQ(seq_offset(a.c, CtDirection::kReply, 1001), 0);
    EXPECT_EQ((a.c.status & kSeqAdjust) != 0, !k.changes.empty() && k.changes[0].longer != 0);
  }
}

TEST(SeqAdjust, NeedsItsPlaceOnTheConnection) {
  Connection c;
  seqadj_set(c, CtInfo::kEstablished, 1000, 6);
  EXPECT_EQ(c.status & kSeqAdjust, 0u);
  EXPECT_EQ(seq_offset(c, CtDirection::kOriginal, 2000), 0);
}

PacketPtr segment(PacketPool& pool, uint32_t seq, uint32_t ack, uint8_t flags, std::span<const uint8_t> options) {
  PacketPtr p = pool.allocate(128);
  const auto length = static_cast<uint32_t>(sizeof(Ipv4Header) + sizeof(TcpHeader) + options.size());
  std::memset(p->put(length), 0, length);
  Ipv4Header& ip = p->ip();
  ip.version_ihl = 0x45;
  ip.total_length = be16(static_cast<uint16_t>(length));
  ip.protocol = kProtoTcp;
  ip.source = ip4(10, 1, 0, 2);
  ip.destination = ip4(10, 2, 0, 9);
  TcpHeader& tcp = *view<TcpHeader>(p->transport());
  tcp.sequence = be32(seq);
  tcp.acknowledgment = be32(ack);
  tcp.offset_reserved = static_cast<uint8_t>((sizeof(TcpHeader) + options.size()) / 4 << 4);
  tcp.flags = flags;
  std::copy(options.begin(), options.end(), p->transport().data() + sizeof(TcpHeader));
  const Sum pseudo =
      checksum_pseudo(ip.source, ip.destination, kProtoTcp, static_cast<uint32_t>(p->transport().size()));
  tcp.checksum = checksum_finish(checksum_add(p->transport(), pseudo));
  return p;
}
bool sums_up(const Packet& p) {
  const Sum pseudo =
      checksum_pseudo(p.ip().source, p.ip().destination, kProtoTcp, static_cast<uint32_t>(p.transport().size()));
  return checksum_fold(checksum_add(p.transport(), pseudo)) == 0xffff;
}

TEST(SeqAdjust, RewritesASegment) {
  PacketPool pool;
  Adjusted a;
  seqadj_set(a.c, CtInfo::kEstablished, 1000, 6);
  seqadj_set(a.c, CtInfo::kEstablishedReply, 9000, -4);
  // nop nop sack 9010:9020 8000:8900
  const std::vector<uint8_t> sack = testing_packets::from_hex(
      "01010512"
      "00002332"
      "0000233c"
      "00001f40"
      "000022c4");
  PacketPtr p = segment(pool, 1022, 9001, kTcpAck, sack);
  ASSERT_TRUE(seq_adjust(*p, a.c, CtInfo::kEstablished));
  const TcpHeader& tcp = *view<TcpHeader>(p->transport());
  EXPECT_EQ(tcp.sequence.host(), 1028u);
  // The client was given 9001; counted by the server that is 9005.
  EXPECT_EQ(tcp.acknowledgment.host(), 9005u);
  EXPECT_EQ(testing_packets::to_hex(p->transport().subspan(20)),
            "01010512"
            "00002336"
            "00002340"
            "00001f40"
            "000022c4");
  EXPECT_TRUE(sums_up(*p));

  p = segment(pool, 1000, 9000, kTcpAck, {});
  ASSERT_TRUE(seq_adjust(*p, a.c, CtInfo::kEstablished));
  EXPECT_EQ(view<TcpHeader>(p->transport())->sequence.host(), 1000u);
  EXPECT_EQ(view<TcpHeader>(p->transport())->acknowledgment.host(), 9000u);

  // Without ACK the number means nothing, and stays.
  p = segment(pool, 1001, 9001, kTcpRst, {});
  ASSERT_TRUE(seq_adjust(*p, a.c, CtInfo::kEstablished));
  EXPECT_EQ(view<TcpHeader>(p->transport())->sequence.host(), 1007u);
  EXPECT_EQ(view<TcpHeader>(p->transport())->acknowledgment.host(), 9001u);
}

TEST(SeqAdjust, OptionsThatCannotBeRead) {
  PacketPool pool;
  Adjusted a;
  seqadj_set(a.c, CtInfo::kEstablished, 1000, 6);
  for (const char* options : {"01010105", "08ff0000", "08010000", "0101050b"}) {
    PacketPtr p = segment(pool, 1022, 9001, kTcpAck, testing_packets::from_hex(options));
    EXPECT_FALSE(seq_adjust(*p, a.c, CtInfo::kEstablished)) << options;
  }
  // Behind the end nothing is read.
  PacketPtr p = segment(pool, 1022, 9001, kTcpAck, testing_packets::from_hex("000105ff"));
  EXPECT_TRUE(seq_adjust(*p, a.c, CtInfo::kEstablished));
  // A header longer than the packet.
  p = segment(pool, 1022, 9001, kTcpAck, {});
  view<TcpHeader>(p->transport())->offset_reserved = 0x60;
  EXPECT_FALSE(seq_adjust(*p, a.c, CtInfo::kEstablished));
}

}  // namespace
}  // namespace nf::ct
