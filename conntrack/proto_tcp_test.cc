// What becomes of a TCP connection, packet by packet: every `expected` is what Linux 6.18 answered when the same
// packets were sent through it (ctinfo by iptables' --ctstate and --ctdir, the entry and the events by ctnetlink).
#include "conntrack/test_support.h"

namespace nf::ct {
namespace {

using namespace std::string_view_literals;
using namespace test;

struct Row {
  char side = 0;  // 'A' sends, the originator, or 'B'
  std::string_view flags = {};
  uint32_t seq = 0, ack = 0;
  size_t length = 0;
  uint16_t window = 0;
  std::string_view expected = {};  // World::describe
  std::string_view options = {};
  int wait = 0;  // seconds to let pass, and no packet
};
struct Scenario {
  const char* name;
  std::vector<std::pair<std::string_view, std::string_view>> sysctls;
  std::vector<Row> rows;
};

class Tcp : public testing::TestWithParam<Scenario> {};

TEST_P(Tcp, AsTheKernel) {
  World w;
  for (const auto& [name, value] : GetParam().sysctls) w.set(name, value);
  int n = 0;
  for (const Row& r : GetParam().rows) {
    ++n;
    if (r.wait != 0) {
      w.advance(r.wait * kSecond);
      continue;
    }
    const TcpFields fields{r.flags, r.seq, r.ack, r.length, r.window, r.options};
    const PacketPtr p = w.pass(r.side == 'A' ? tcp_packet(kHostA, 4000, kHostB, 80, fields)
                                             : tcp_packet(kHostB, 80, kHostA, 4000, fields));
    EXPECT_EQ(w.describe(p.get()), r.expected) << "packet " << n << ": " << r.side << " " << r.flags;
  }
}

// clang-format off
const Scenario kScenarios[] = {
    {"OpenDataCloseByOriginator",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "PA", 1001, 5001, 100, 65535, "ESTABLISHED ESTABLISHED 300 ASSURED"},
         {'B', "A", 5001, 1101, 0, 65535, "ESTABLISHED_REPLY ESTABLISHED 432000 ASSURED"},
         {'B', "PA", 5001, 1101, 1000, 65535, "ESTABLISHED_REPLY ESTABLISHED 300 ASSURED"},
         {'A', "A", 1101, 6001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED"},
         {'A', "FA", 1101, 6001, 0, 65535, "ESTABLISHED FIN_WAIT 120 ASSURED [UPDATE]"},
         {'B', "A", 6001, 1102, 0, 65535, "ESTABLISHED_REPLY CLOSE_WAIT 60 ASSURED [UPDATE]"},
         {'B', "FA", 6001, 1102, 0, 65535, "ESTABLISHED_REPLY LAST_ACK 30 ASSURED [UPDATE]"},
         {'A', "A", 1102, 6002, 0, 65535, "ESTABLISHED TIME_WAIT 120 ASSURED [UPDATE]"},
     }},
    {"CloseByReplierFinsCross",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'B', "FA", 5001, 1001, 0, 65535, "ESTABLISHED_REPLY FIN_WAIT 120 ASSURED [UPDATE]"},
         {'A', "FA", 1001, 5001, 0, 65535, "ESTABLISHED LAST_ACK 30 ASSURED [UPDATE]"},
         {'B', "A", 5002, 1002, 0, 65535, "ESTABLISHED_REPLY TIME_WAIT 120 ASSURED [UPDATE]"},
         {'A', "A", 1002, 5002, 0, 65535, "ESTABLISHED TIME_WAIT 120 ASSURED"},
     }},
    {"Refused",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "RA", 0, 1001, 0, 0, "ESTABLISHED_REPLY - [DESTROY]"},
         {'A', "S", 2000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
     }},
    {"SynRetransmittedDoesNotRefresh",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {.wait = 3},
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 117 UNREPLIED"},
     }},
    {"AbortExact",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "RA", 1001, 5001, 0, 0, "ESTABLISHED CLOSE 10 ASSURED [UPDATE]"},
         {'B', "A", 5001, 1001, 0, 65535, "ESTABLISHED_REPLY CLOSE 10 ASSURED"},
     }},
    {"ResetInsideWindowButNotExact",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'B', "A", 5001, 1001, 0, 65535, "ESTABLISHED_REPLY ESTABLISHED 432000 ASSURED"},
         {'A', "R", 1101, 0, 0, 0, "ESTABLISHED ESTABLISHED 10 ASSURED"},
         {'B', "A", 5001, 1001, 0, 65535, "ESTABLISHED_REPLY ESTABLISHED 300 ASSURED"},
     }},
    {"ResetBehindLastData",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'B', "PA", 5001, 1001, 19, 65535, "ESTABLISHED_REPLY ESTABLISHED 300 ASSURED"},
         {'B', "RA", 5020, 1001, 0, 0, "ESTABLISHED_REPLY CLOSE 10 ASSURED [UPDATE]"},
     }},
    {"ResetOld",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "PA", 1001, 5001, 100, 65535, "ESTABLISHED ESTABLISHED 300 ASSURED"},
         {'B', "A", 5001, 1101, 0, 65535, "ESTABLISHED_REPLY ESTABLISHED 432000 ASSURED"},
         {'A', "R", 1050, 0, 0, 0, "INVALID ESTABLISHED 432000 ASSURED"},
     }},
    {"ResetOldAllowed",
     {{"tcp_ignore_invalid_rst", "1"}},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "PA", 1001, 5001, 100, 65535, "ESTABLISHED ESTABLISHED 300 ASSURED"},
         {'B', "A", 5001, 1101, 0, 65535, "ESTABLISHED_REPLY ESTABLISHED 432000 ASSURED"},
         {'A', "R", 1050, 0, 0, 0, "ESTABLISHED ESTABLISHED 10 ASSURED"},
     }},
    {"PickUp",
     {},
     {
         {'A', "A", 1001, 5001, 100, 100, "NEW ESTABLISHED 300 UNREPLIED [NEW]"},
         {'B', "A", 5001, 1101, 0, 100, "ESTABLISHED_REPLY ESTABLISHED 300 [UPDATE]"},
         {'A', "A", 1101, 5001, 500, 100, "ESTABLISHED ESTABLISHED 300 ASSURED [UPDATE]"},
     }},
    {"PickUpBeyondAnyWindow",
     {},
     {
         {'A', "A", 1001, 5001, 0, 100, "NEW ESTABLISHED 300 UNREPLIED [NEW]"},
         {'B', "PA", 5001, 1001, 1400, 10, "ESTABLISHED_REPLY ESTABLISHED 300 [UPDATE]"},
         {'A', "A", 900001, 6401, 1400, 10, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
     }},
    {"NoPickUp",
     {{"tcp_loose", "0"}},
     {
         {'A', "A", 1001, 5001, 100, 100, "INVALID -"},
         {'B', "A", 5001, 1101, 0, 100, "INVALID -"},
         {'A', "S", 3000, 0, 0, 100, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
     }},
    {"NeverFirst",
     {},
     {
         {'A', "SA", 1000, 1, 0, 100, "INVALID -"},
         {'A', "FA", 1000, 1, 0, 100, "INVALID -"},
         {'A', "R", 1000, 0, 0, 100, "INVALID -"},
         {'A', "RA", 1000, 1, 0, 100, "INVALID -"},
     }},
    {"FlagsNobodyMaySend",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "F", 1001, 0, 0, 100, "INVALID ESTABLISHED 432000 ASSURED"},
         {'A', "SF", 1001, 0, 0, 100, "INVALID ESTABLISHED 432000 ASSURED"},
         {'A', "SR", 1001, 0, 0, 100, "INVALID ESTABLISHED 432000 ASSURED"},
         {'A', "", 1001, 0, 0, 100, "INVALID ESTABLISHED 432000 ASSURED"},
         {'A', "FPU", 1001, 0, 0, 100, "INVALID ESTABLISHED 432000 ASSURED"},
         {'A', "SRA", 1001, 5001, 0, 100, "INVALID ESTABLISHED 432000 ASSURED"},
         {'A', "P", 1001, 0, 0, 100, "INVALID ESTABLISHED 432000 ASSURED"},
         {'A', "PU", 1001, 0, 0, 100, "INVALID ESTABLISHED 432000 ASSURED"},
         {'A', "AU", 1001, 5001, 0, 100, "ESTABLISHED ESTABLISHED 432000 ASSURED"},
         {'A', "FAU", 1001, 5001, 0, 100, "ESTABLISHED FIN_WAIT 120 ASSURED [UPDATE]"},
     }},
    {"SynWithUrg",
     {},
     {
         {'A', "SU", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
     }},
    {"HalfOpenChallengeThenReset",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "A", 7000, 9000, 0, 65535, "ESTABLISHED_REPLY SYN_SENT 120 [UPDATE]"},
         {'A', "R", 9000, 0, 0, 0, "ESTABLISHED CLOSE 10 [UPDATE]"},
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [DESTROY] [NEW]"},
     }},
    {"HalfOpenChallengeThenOtherReset",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "A", 7000, 9000, 0, 65535, "ESTABLISHED_REPLY SYN_SENT 120 [UPDATE]"},
         {'A', "R", 8999, 0, 0, 0, "INVALID SYN_SENT 120"},
     }},
    {"SynOnEstablishedAnsweredBySynAck",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "S", 9000, 0, 0, 2000, "ESTABLISHED ESTABLISHED 432000 ASSURED", "\x04\x02\x01\x03\x03\x03"sv},
         {'B', "SA", 70000, 9001, 0, 3000, "ESTABLISHED_REPLY SYN_RECV 60 ASSURED [UPDATE]", "\x04\x02\x01\x03\x03\x02"sv},
         {'A', "A", 9001, 70001, 0, 500, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "PA", 9001, 70001, 100, 500, "ESTABLISHED ESTABLISHED 300 ASSURED"},
     }},
    {"SynOnEstablishedAnsweredByReset",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "S", 9000, 0, 0, 2000, "ESTABLISHED ESTABLISHED 432000 ASSURED"},
         {'B', "RA", 0, 9001, 0, 0, "ESTABLISHED_REPLY CLOSE 10 ASSURED [UPDATE]"},
     }},
    {"SynOnEstablishedAnsweredByChallenge",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "S", 9000, 0, 0, 2000, "ESTABLISHED ESTABLISHED 432000 ASSURED"},
         {'B', "A", 5001, 1001, 0, 65535, "ESTABLISHED_REPLY ESTABLISHED 432000 ASSURED"},
         {'A', "R", 1001, 0, 0, 0, "ESTABLISHED CLOSE 10 ASSURED [UPDATE]"},
     }},
    {"SynInLastAckChallenged",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "FA", 1001, 5001, 0, 65535, "ESTABLISHED FIN_WAIT 120 ASSURED [UPDATE]"},
         {'B', "A", 5001, 1002, 0, 65535, "ESTABLISHED_REPLY CLOSE_WAIT 60 ASSURED [UPDATE]"},
         {'B', "FA", 5001, 1002, 0, 65535, "ESTABLISHED_REPLY LAST_ACK 30 ASSURED [UPDATE]"},
         {'A', "S", 20000, 0, 0, 65535, "ESTABLISHED LAST_ACK 30 ASSURED"},
         {'B', "A", 5002, 1002, 0, 65535, "ESTABLISHED_REPLY LAST_ACK 30 ASSURED"},
         {'A', "R", 1002, 0, 0, 0, "ESTABLISHED CLOSE 10 ASSURED [UPDATE]"},
         {'A', "S", 20000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [DESTROY] [NEW]"},
     }},
    {"SimultaneousOpen",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "S", 5000, 0, 0, 65535, "ESTABLISHED_REPLY SYN_SENT2 120 [UPDATE]"},
         {'A', "SA", 1000, 5001, 0, 65535, "ESTABLISHED SYN_RECV 60 [UPDATE]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
     }},
    {"SimultaneousOpenEndedByReplier",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "S", 5000, 0, 0, 65535, "ESTABLISHED_REPLY SYN_SENT2 120 [UPDATE]"},
         {'A', "SA", 1000, 5001, 0, 65535, "ESTABLISHED SYN_RECV 60 [UPDATE]"},
         {'B', "A", 5001, 1001, 0, 65535, "ESTABLISHED_REPLY ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED"},
     }},
    {"ReopenInTimeWait",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "FA", 1001, 5001, 0, 65535, "ESTABLISHED FIN_WAIT 120 ASSURED [UPDATE]"},
         {'B', "FA", 5001, 1002, 0, 65535, "ESTABLISHED_REPLY LAST_ACK 30 ASSURED [UPDATE]"},
         {'A', "A", 1002, 5002, 0, 65535, "ESTABLISHED TIME_WAIT 120 ASSURED [UPDATE]"},
         {'A', "S", 200000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [DESTROY] [NEW]"},
     }},
    {"ReopenInTimeWaitByReplier",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "FA", 1001, 5001, 0, 65535, "ESTABLISHED FIN_WAIT 120 ASSURED [UPDATE]"},
         {'B', "FA", 5001, 1002, 0, 65535, "ESTABLISHED_REPLY LAST_ACK 30 ASSURED [UPDATE]"},
         {'A', "A", 1002, 5002, 0, 65535, "ESTABLISHED TIME_WAIT 120 ASSURED [UPDATE]"},
         {'B', "S", 200000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [DESTROY] [NEW]"},
     }},
    {"ReopenAfterOwnReset",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "RA", 1001, 5001, 0, 0, "ESTABLISHED CLOSE 10 ASSURED [UPDATE]"},
         {'A', "S", 200000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [DESTROY] [NEW]"},
     }},
    {"SynAfterResetOfTheOther",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'B', "RA", 5001, 1001, 0, 0, "ESTABLISHED_REPLY CLOSE 10 ASSURED [UPDATE]"},
         {'A', "S", 200000, 0, 0, 65535, "ESTABLISHED CLOSE 10 ASSURED"},
     }},
    {"LateSynAck",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY ESTABLISHED 432000 ASSURED"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED"},
     }},
    {"SynAckFromOriginator",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "SA", 1001, 5001, 0, 65535, "INVALID ESTABLISHED 432000 ASSURED"},
     }},
    {"FinBeforeSynAck",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'A', "FA", 1001, 0, 0, 65535, "INVALID SYN_SENT 120 UNREPLIED"},
         {'B', "FA", 5000, 1001, 0, 65535, "INVALID SYN_SENT 120 UNREPLIED"},
         {'A', "A", 1001, 1, 0, 65535, "INVALID SYN_SENT 120 UNREPLIED"},
     }},
    {"WindowZero",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'B', "A", 5001, 1001, 0, 0, "ESTABLISHED_REPLY ESTABLISHED 300 ASSURED"},
         {'B', "A", 5001, 1001, 0, 65535, "ESTABLISHED_REPLY ESTABLISHED 432000 ASSURED"},
     }},
    {"ThreeIdenticalAcks",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 500, "ESTABLISHED ESTABLISHED 432000 ASSURED"},
         {'A', "A", 1001, 5001, 0, 500, "ESTABLISHED ESTABLISHED 432000 ASSURED"},
         {'A', "A", 1001, 5001, 0, 500, "ESTABLISHED ESTABLISHED 432000 ASSURED"},
         {'A', "A", 1001, 5001, 0, 500, "ESTABLISHED ESTABLISHED 300 ASSURED"},
         {'B', "A", 5001, 1001, 0, 65535, "ESTABLISHED_REPLY ESTABLISHED 432000 ASSURED"},
     }},
    {"IdenticalAcksWithLowerLimit",
     {{"tcp_max_retrans", "1"}},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 500, "ESTABLISHED ESTABLISHED 432000 ASSURED"},
         {'A', "A", 1001, 5001, 0, 500, "ESTABLISHED ESTABLISHED 300 ASSURED"},
     }},
    {"SeqOverUpperBound",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "PA", 201001, 5001, 10, 65535, "INVALID ESTABLISHED 432000 ASSURED"},
     }},
    {"SeqOverUpperBoundLiberal",
     {{"tcp_be_liberal", "1"}},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "PA", 201001, 5001, 10, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED"},
     }},
    {"SeqLittleMoreThanAllowed",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "PA", 66601, 5001, 10, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED"},
         {'B', "A", 5001, 66611, 0, 65535, "ESTABLISHED_REPLY ESTABLISHED 432000 ASSURED"},
     }},
    {"SeqUnderLowerBound",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "PA", 4294768297, 5001, 10, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED"},
     }},
    {"AckOverUpperBound",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "A", 1001, 5011, 0, 65535, "INVALID ESTABLISHED 432000 ASSURED"},
     }},
    {"AckUnderLowerBound",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "A", 1001, 4294902297, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED"},
     }},
    {"AckUnderLowerBoundLiberal",
     {{"tcp_be_liberal", "1"}},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "A", 1001, 4294902297, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED"},
     }},
    {"WindowScaleBoth",
     {},
     {
         {'A', "S", 1000, 0, 0, 1000, "NEW SYN_SENT 120 UNREPLIED [NEW]", "\x03\x03\x07"sv},
         {'B', "SA", 5000, 1001, 0, 1000, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]", "\x03\x03\x07"sv},
         {'A', "A", 1001, 5001, 0, 1000, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'B', "A", 5001, 1001, 0, 1000, "ESTABLISHED_REPLY ESTABLISHED 432000 ASSURED"},
         {'A', "PA", 101001, 5001, 10, 1000, "ESTABLISHED ESTABLISHED 300 ASSURED"},
     }},
    {"WindowScaleOneSide",
     {},
     {
         {'A', "S", 1000, 0, 0, 1000, "NEW SYN_SENT 120 UNREPLIED [NEW]", "\x03\x03\x07"sv},
         {'B', "SA", 5000, 1001, 0, 1000, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 1000, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'B', "A", 5001, 1001, 0, 1000, "ESTABLISHED_REPLY ESTABLISHED 432000 ASSURED"},
         {'A', "PA", 101001, 5001, 10, 1000, "INVALID ESTABLISHED 432000 ASSURED"},
     }},
    {"SackAcknowledges",
     {},
     {
         {'A', "S", 1000, 0, 0, 30000, "NEW SYN_SENT 120 UNREPLIED [NEW]", "\x04\x02"sv},
         {'B', "SA", 5000, 1001, 0, 30000, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]", "\x04\x02"sv},
         {'A', "A", 1001, 5001, 0, 30000, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'B', "PA", 5001, 1001, 1000, 30000, "ESTABLISHED_REPLY ESTABLISHED 300 ASSURED"},
         {'B', "PA", 6001, 1001, 1000, 30000, "ESTABLISHED_REPLY ESTABLISHED 300 ASSURED"},
         {'A', "A", 1001, 5001, 0, 30000, "ESTABLISHED ESTABLISHED 300 ASSURED", "\x01\x01\x05\x0a\x00\x00\x17\x71\x00\x00\x1b\x59"sv},
         {'A', "A", 1001, 5001, 0, 30000, "INVALID ESTABLISHED 300 ASSURED", "\x01\x01\x05\x0a\x00\x00\x1b\x59\x00\x00\x23\x29"sv},
     }},
    {"SackNotNegotiated",
     {},
     {
         {'A', "S", 1000, 0, 0, 30000, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 30000, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 30000, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 30000, "ESTABLISHED ESTABLISHED 432000 ASSURED", "\x01\x01\x05\x0a\x00\x00\x1b\x59\x00\x00\x23\x29"sv},
     }},
    {"FinsOutOfWindowBothWays",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'B', "A", 5001, 1001, 0, 65535, "ESTABLISHED_REPLY ESTABLISHED 432000 ASSURED"},
         {'A', "FA", 201001, 5001, 0, 65535, "INVALID ESTABLISHED 432000 ASSURED"},
         {'B', "FA", 205001, 1001, 0, 65535, "INVALID ESTABLISHED 300 ASSURED"},
     }},
    {"SynAgainWithOtherSequence",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]", "\x03\x03\x07"sv},
         {'A', "S", 70000, 0, 0, 100, "NEW SYN_SENT 120 UNREPLIED", "\x04\x02"sv},
         {'B', "SA", 5000, 70001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 70001, 5001, 0, 100, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
     }},
    {"ResetWithZeroAck",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'B', "RA", 5001, 0, 0, 0, "ESTABLISHED_REPLY CLOSE 10 ASSURED [UPDATE]"},
     }},
    {"HalfClosed",
     {},
     {
         {'A', "S", 1000, 0, 0, 65535, "NEW SYN_SENT 120 UNREPLIED [NEW]"},
         {'B', "SA", 5000, 1001, 0, 65535, "ESTABLISHED_REPLY SYN_RECV 60 [UPDATE]"},
         {'A', "A", 1001, 5001, 0, 65535, "ESTABLISHED ESTABLISHED 432000 ASSURED [UPDATE]"},
         {'A', "FA", 1001, 5001, 0, 65535, "ESTABLISHED FIN_WAIT 120 ASSURED [UPDATE]"},
         {'B', "A", 5001, 1002, 0, 65535, "ESTABLISHED_REPLY CLOSE_WAIT 60 ASSURED [UPDATE]"},
         {'B', "PA", 5001, 1002, 1000, 65535, "ESTABLISHED_REPLY CLOSE_WAIT 60 ASSURED"},
         {'A', "A", 1002, 6001, 0, 65535, "ESTABLISHED CLOSE_WAIT 60 ASSURED"},
         {'B', "FA", 6001, 1002, 0, 65535, "ESTABLISHED_REPLY LAST_ACK 30 ASSURED [UPDATE]"},
         {'A', "A", 1002, 6002, 0, 65535, "ESTABLISHED TIME_WAIT 120 ASSURED [UPDATE]"},
     }},
};
// clang-format on

INSTANTIATE_TEST_SUITE_P(Kernel, Tcp, testing::ValuesIn(kScenarios),
                         [](const auto& scenario) { return std::string(scenario.param.name); });

}  // namespace
}  // namespace nf::ct
