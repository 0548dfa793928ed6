// What conntrack 1.4.7 said to these command lines, and the property that makes -o save worth its name: what is written
// is read as what it was.
#include "tools/commands/conntrack_request.h"

#include <gtest/gtest.h>

#include "conntrack/text/format_state.h"
#include "datapath/base/random.h"
#include "datapath/base/text.h"
#include "datapath/packet/headers.h"
#include "tools/commands/conntrack_change.h"
#include "tools/commands/conntrack_load.h"

namespace nf {
namespace {

Result<CtRequest> read(const std::string& line) {
  const std::vector<std::string> words = words_of_line(line);
  return read_conntrack_request(words, "/nonexistent/connlabel.conf");
}

constexpr char kTry[] = "Try `conntrack -h' or 'conntrack --help' for more information.\n";

TEST(ConntrackRequest, RefusesAsConntrack) {
  const struct {
    const char *line, *said;
  } kRows[] = {
      {"-I -s 10.0.0.1 -d 10.0.0.2 -p udp --sport 5 --dport 6",
       "You need to supply the `--timeout' option for this command"},
      {"-I -s 10.0.0.1 -p udp --sport 5 --dport 6 -t 5", "you have to specify `--src' and `--dst'"},
      {"-I -p tcp -s 1.1.1.1 -d 2.2.2.2 -t 5 --sport 1 --dport 2",
       "You need to supply the `--state' option for this command"},
      {"-I -p tcp -s 1.1.1.1 -d 2.2.2.2 -t 5 --sport 1 --state NONE", "you have to specify `--sport' and `--dport'"},
      {"-I -s 1.1.1.1 -d 2.2.2.0/24 -p udp --sport 1 --dport 2 -t 5", "Illegal option `--mask-dst' with this command"},
      {"-D -z", "Illegal option `--zero' with this command"},
      {"-L -C", "Invalid commands combination"},
      {"-L -t 5", "Illegal option `--timeout' with this command"},
      {"-L --bla", "unknown option `--bla'"},
      {"-L -s", "option `-s' requires an argument"},
      {"-L -s foo", "Invalid IP address `foo'"},
      {"-L -p foo", "`foo' unsupported protocol"},
      {"-L -p tcp --state FOO", "unknown TCP state `FOO'"},
      {"-L bla", "unknown type `bla'"},
      {"-D expect -s 1.2.3.4", "You need to supply the `--dst' option for this command"},
      {"-U expect", "Can't do --update on expectations"},
      {"-n 1.2.3.4", "Illegal option `--src-nat' with this command"},
      {"-D -s 1.1.1.1/33", "Invalid netmask"},
      {"-D -r 1.1.1.1/3", "CIDR notation unavailable for `--reply-src'"},
      {"-L -s ::1 -d 1.1.1.1", "mismatched address family"},
      {"-L -o foo", "Bad parameter `foo'"},
      {"-L -e NEW", "Illegal option `--event-mask' with this command"},
      {"-L -u FOO", "Bad parameter `FOO'"},
      {"-L -n 1.2.3.4 -j", "cannot specify `--src-nat' or `--dst-nat' with `--any-nat'"},
      {"-L --sport 5 -p tcp", "unknown option `--sport'"},
      {"-L -p tcp --s 5", "unknown option `--s'"},
      {"-L --ds 5.5.5.5", "unknown option `--ds'"},
      {"-L expect -p tcp", "Illegal option `--protonum' with this command"},
      {"-D dying", "Can't do that command with tables `dying' and `unconfirmed'"},
      {"-G -p udp -s 1.1.1.1", "you have to specify `--src' and `--dst'"},
      {"-E -u ASSURED", "Illegal option `--status' with this command"},
      {"-R", "unknown option `-R'"},
  };
  for (const auto& row : kRows) {
    const Result<CtRequest> r = read(row.line);
    ASSERT_FALSE(r.ok()) << row.line;
    EXPECT_EQ(r.error().text, std::string("conntrack v1.4.7 (conntrack-tools): ") + row.said + '\n' + kTry) << row.line;
    EXPECT_EQ(static_cast<int>(r.error().code), 2) << row.line;
  }
  const Result<CtRequest> save = read("-L -o save,id");
  ASSERT_FALSE(save.ok());
  EXPECT_EQ(save.error().text,
            "conntrack v1.4.7 (conntrack-tools): cannot combine save output with any other output type, use -o save "
            "only\n");
  EXPECT_EQ(static_cast<int>(save.error().code), 1);
}

TEST(ConntrackRequest, Understands) {
  Result<CtRequest> r = read("-Lp tcp");  // the letter's argument is glued to it, so -p was not seen
  ASSERT_TRUE(r.ok());
  EXPECT_FALSE(r->tmpl.protocol);
  r = read("-L exp");
  ASSERT_TRUE(r.ok());
  EXPECT_EQ(r->command, CtCommand::kExpectList);
  r = read("-L -p tcp --sp 5 -m 0x4/0xff -s 10.0.0.0/8 -u !ASSURED,SEEN -j 10.9.9.9:80");
  ASSERT_TRUE(r.ok());
  EXPECT_EQ(r->tmpl.port[0], be16(5));
  EXPECT_EQ(r->mark, 4u);
  EXPECT_EQ(r->mark_mask, 0xffu);
  EXPECT_EQ(r->mask[0], be32(0xff000000));
  EXPECT_EQ(r->status_mask, uint32_t{ct::kAssured});
  EXPECT_EQ(r->status, uint32_t{ct::kSeenReply});
  EXPECT_EQ(r->tmpl.nat_address[0], ip4(10, 9, 9, 9));
  EXPECT_EQ(r->tmpl.nat_port[1], be16(80));
}

TEST(ConntrackLoad, Words) {
  EXPECT_EQ(words_of_line("  -I \t-s 1.1.1.1 \"a b\\\"c\"  \n"),
            (std::vector<std::string>{"-I", "-s", "1.1.1.1", "a b\"c"}));
  EXPECT_TRUE(words_of_line("").empty());
}

// The reply tuple that NAT makes of the wishes, when every port that was wished for is free.
ct::Tuple reply_of(const ct::EntryState& s) {
  ct::Tuple t = s.tuple[1];
  const bool icmp = t.protocol == kProtoIcmp;
  if (s.destination_nat) {
    t.source = s.destination_nat->address.value_or(t.source);
    t.source_id = s.destination_nat->port.value_or(t.source_id);
  }
  if (s.source_nat) {
    t.destination = s.source_nat->address.value_or(t.destination);
    Be16& id = icmp ? t.source_id : t.destination_id;
    id = s.source_nat->port.value_or(id);
  }
  return t;
}

ct::EntryState random_entry(Random& random) {
  constexpr uint8_t kProtocols[] = {kProtoTcp, kProtoUdp, kProtoUdplite, kProtoSctp, kProtoIcmp, kProtoGre, 99};
  const auto id = [&] { return be16(static_cast<uint16_t>(random.below(65536))); };
  const auto address = [&] { return be32(0x0a000000 + random.below(1 << 20)); };
  ct::EntryState s;
  ct::Tuple& o = s.tuple[0];
  o.protocol = kProtocols[random.below(std::size(kProtocols))];
  o.source = address();
  o.destination = address();
  if (o.protocol == kProtoIcmp) {
    constexpr uint8_t kTypes[] = {8, 13, 15, 17};
    o.source_id = id();
    o.set_icmp(kTypes[random.below(4)], 0);
  } else if (o.protocol != 99) {
    o.source_id = id();
    o.destination_id = id();
  }
  if (!ct::Conntrack::invert(s.tuple[1], o)) ADD_FAILURE() << "no inverse";
  s.tuple[1].direction = CtDirection::kReply;
  uint32_t status = ct::kConfirmed;
  for (const uint32_t bit : {ct::kSeenReply, ct::kAssured, ct::kFixedTimeout})
    if (random.below(2) != 0) status |= bit;
  const bool ports = o.protocol == kProtoTcp || o.protocol == kProtoUdp;
  if (random.below(2) != 0) {
    status |= ct::kSrcNat;
    s.tuple[1].destination = address();
    if (ports && random.below(2) != 0) s.tuple[1].destination_id = id();
    if (o.protocol == kProtoIcmp && random.below(2) != 0) s.tuple[1].source_id = id();
  }
  if (random.below(2) != 0) {
    status |= ct::kDstNat;
    s.tuple[1].source = address();
    if (ports && random.below(2) != 0) s.tuple[1].source_id = id();
  }
  if (random.below(3) == 0) s.tuple[0].zone = s.tuple[1].zone = static_cast<uint16_t>(1 + random.below(65535));
  s.status = status;
  s.timeout = random.below(1'000'000);
  if (o.protocol == kProtoTcp) s.tcp = ct::TcpEntry{static_cast<ct::TcpState>(random.below(ct::kTcpStates)), {}, {}};
  if (o.protocol == kProtoSctp)
    s.sctp = ct::SctpEntry{static_cast<ct::SctpState>(random.below(8)),
                           {be32(random.below(0x7fffffff)), be32(random.below(0x7fffffff))}};
  return s;
}

TEST(ConntrackSave, IsReadAsItWas) {
  Random random(20261121);
  for (int i = 0; i < 20000; ++i) {
    const ct::EntryState is = random_entry(random);
    const std::string line = ct::format_save(is, ct::EventKind::kNew);
    const Result<CtRequest> request = read(line);
    ASSERT_TRUE(request.ok()) << line << '\n' << request.error().text;
    EXPECT_EQ(request->command, CtCommand::kAdd);
    const std::optional<ct::EntryState> read_back = wanted_entry(*request);
    ASSERT_TRUE(read_back) << line;
    EXPECT_TRUE(read_back->tuple[0].same_key(is.tuple[0])) << line;
    EXPECT_TRUE(reply_of(*read_back).same_key(is.tuple[1])) << line;
    EXPECT_EQ(read_back->timeout, is.timeout) << line;
    EXPECT_EQ(*read_back->status, *is.status & ~ct::kNatMask) << line;
    if (is.tcp) {
      EXPECT_EQ(read_back->tcp->state, is.tcp->state) << line;
    }
    if (is.sctp) {
      EXPECT_EQ(read_back->sctp->state, is.sctp->state) << line;
      EXPECT_EQ(read_back->sctp->vtag[0], is.sctp->vtag[0]) << line;
      EXPECT_EQ(read_back->sctp->vtag[1], is.sctp->vtag[1]) << line;
    }
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace nf
