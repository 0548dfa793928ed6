// Zones: whose tuple a packet has. What is expected is nf_ct_zone_equal's rule, an id counts for tuples of its own
// direction; netns-tests/scenarios/zones asks the kernel.
#include <gtest/gtest.h>

#include "conntrack/rare_parts.h"
#include "conntrack/test_support.h"

namespace nf::ct {
namespace {

using test::Bytes;
using test::kHostA;
using test::kHostB;
using test::udp_packet;
using test::World;

// {0, 0}: no template.
using Ids = std::array<uint16_t, 2>;

class Zones : public testing::Test {
 protected:
  ~Zones() override {
    for (Connection* t : templates) world.ct.put(*t);
  }
  PacketPtr packet(const Bytes& bytes, Ids ids, uint32_t mark = 0, bool from_mark = false) {
    PacketPtr p = world.make(bytes);
    p->mark = mark;
    if (ids == Ids{} && !from_mark) return p;
    TemplateSpec spec;
    spec.zone_is_mark = from_mark;
    for (size_t d = 0; d < 2; ++d) {
      spec.zone[d] = from_mark ? uint16_t{0} : ids[d];
      spec.zone_direction[d] = ids[d] != 0;
    }
    templates.push_back(world.ct.template_alloc(spec));
    Conntrack::get(*templates.back());
    p->ct = reinterpret_cast<uintptr_t>(templates.back());
    p->ctinfo = CtInfo::kNew;
    return p;
  }
  // Through both hooks; the packet keeps its connection.
  CtInfo pass(PacketPtr& p) {
    EXPECT_EQ(world.in(p), Verdict::kAccept);
    const CtInfo seen = p->ctinfo;
    verdict = world.confirm(p);
    return seen;
  }

  World world;
  std::vector<Connection*> templates;
  Verdict verdict = Verdict::kAccept;
};

const Bytes kQuestion = udp_packet(kHostA, 5000, kHostB, 53);
const Bytes kAnswer = udp_packet(kHostB, 53, kHostA, 5000);

TEST_F(Zones, WhoseTuple) {
  const struct {
    Ids connection, again, answer;
    bool same, answered;
  } kRows[] = {
      {{0, 0}, {0, 0}, {0, 0}, true, true},   {{7, 7}, {7, 7}, {7, 7}, true, true},
      {{7, 7}, {0, 0}, {0, 0}, false, false}, {{7, 7}, {8, 8}, {8, 8}, false, false},
      {{7, 0}, {7, 0}, {0, 0}, true, true},   {{7, 0}, {7, 7}, {7, 7}, true, false},
      {{7, 0}, {8, 0}, {8, 0}, false, true},  {{7, 0}, {0, 7}, {0, 7}, false, false},
      {{0, 7}, {0, 0}, {0, 0}, true, false},  {{0, 7}, {8, 0}, {0, 7}, false, true},
      {{0, 7}, {0, 8}, {7, 7}, true, true},   {{7, 7}, {7, 0}, {7, 0}, true, false},
      {{7, 7}, {0, 7}, {0, 7}, false, true},  {{0, 0}, {0, 7}, {7, 0}, true, true},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(&row - kRows);
    PacketPtr first = packet(kQuestion, row.connection);
    EXPECT_EQ(pass(first), CtInfo::kNew);
    ASSERT_EQ(verdict, Verdict::kAccept);
    const Connection& c = *connection_of(first->ct);
    EXPECT_EQ(c.original().zone, row.connection[0]);
    EXPECT_EQ(c.reply().zone, row.connection[1]);

    PacketPtr again = packet(kQuestion, row.again), answer = packet(kAnswer, row.answer);
    EXPECT_EQ(world.in(again), Verdict::kAccept);
    EXPECT_EQ(again->ct == first->ct, row.same);
    EXPECT_EQ(world.in(answer), Verdict::kAccept);
    EXPECT_EQ(answer->ct == first->ct, row.answered);
    again.reset();
    answer.reset();
    world.ct.flush(world.stack.now_);
  }
}

TEST_F(Zones, FromTheMark) {
  PacketPtr p = packet(kQuestion, {1, 1}, 0x30005, true);
  pass(p);
  EXPECT_EQ(connection_of(p->ct)->zone().id[0], 5);
  EXPECT_EQ(connection_of(p->ct)->zone().id[1], 5);
  PacketPtr one = packet(udp_packet(kHostA, 5001, kHostB, 53), {0, 1}, 6, true);
  pass(one);
  EXPECT_EQ(connection_of(one->ct)->zone().id[0], 0);
  EXPECT_EQ(connection_of(one->ct)->zone().id[1], 6);
}

// The answer of a connection in a reply zone is a new one whose own answer is the first one's original tuple.
TEST_F(Zones, AnswersWithoutTheirZoneClash) {
  PacketPtr question = packet(kQuestion, {0, 7});
  pass(question);
  PacketPtr answer = packet(kAnswer, {0, 0});
  EXPECT_EQ(pass(answer), CtInfo::kNew);
  EXPECT_EQ(verdict, Verdict::kDrop);
  EXPECT_EQ(world.ct.stats().insert_failed, 1u);
  answer.reset();
  // In a zone of its original direction it does not: its answer is no original tuple.
  PacketPtr aside = packet(kAnswer, {9, 0});
  EXPECT_EQ(pass(aside), CtInfo::kNew);
  EXPECT_EQ(verdict, Verdict::kAccept);
  EXPECT_EQ(world.ct.count(), 2u);
}

TEST_F(Zones, TakenTuplesAreThoseOfTheZone) {
  PacketPtr p = packet(kQuestion, {7, 7});
  pass(p);
  const Connection& holder = *connection_of(p->ct);
  const auto taken = [&](Ids ids) {
    // Another flow that wants the same answer.
    PacketPtr other = packet(udp_packet(kHostA, 6000, kHostB, 53), ids);
    EXPECT_EQ(world.in(other), Verdict::kAccept);
    return world.ct.tuple_taken(holder.reply(), *connection_of(other->ct), world.stack.now_);
  };
  EXPECT_TRUE(taken({7, 7}));
  EXPECT_TRUE(taken({0, 7}));
  EXPECT_FALSE(taken({7, 0}));
  EXPECT_FALSE(taken({0, 0}));
  EXPECT_FALSE(taken({8, 8}));
}

}  // namespace
}  // namespace nf::ct
