#include "netns-tests/tcp_tracker/cases.h"

#include <algorithm>

#include "datapath/base/text.h"

namespace nf::tcp_tracker {
namespace {

constexpr Opening kOpenings[] = {
    {"NONE", ""},
    // --- SYN_SENT
    {"SYN_SENT", "c.S"},
    {"SYN_SENT, options", "c.S,o"},
    {"SYN_SENT, resent", "c.S c.S,s-1"},
    {"SYN_SENT, another SYN", "c.S c.S,s+9000"},
    {"SYN_SENT, challenged", "c.S s.A,s+70000,a-40000"},
    {"SYN_SENT, reopened from CLOSE", "c.S s.SA c.A c.R c.S,s+800000"},
    // --- SYN_SENT2
    {"SYN_SENT2", "c.S s.S"},
    {"SYN_SENT2, options", "c.S,o s.S,o"},
    {"SYN_SENT2, resent", "c.S s.S c.S,s-1"},
    {"SYN_SENT2, challenged", "c.S s.S s.A,s+70000,a-40000"},
    // --- SYN_RECV
    {"SYN_RECV", "c.S s.SA"},
    {"SYN_RECV, options", "c.S,o s.SA,o"},
    {"SYN_RECV, options of one", "c.S,o s.SA"},
    {"SYN_RECV, resent", "c.S s.SA s.SA,s-1"},
    {"SYN_RECV, SYN let through", "c.S s.SA c.S,s+90000"},
    {"SYN_RECV, ACK of the server", "c.S s.SA s.A"},
    {"SYN_RECV, both opened", "c.S s.S c.SA,s-1"},
    {"SYN_RECV, both opened, server first", "c.S s.S s.SA,s-1"},
    // --- ESTABLISHED
    {"ESTABLISHED", "c.S s.SA c.A"},
    {"ESTABLISHED, options", "c.S,o s.SA,o c.A"},
    {"ESTABLISHED, data", "c.S s.SA c.A c.PA+100 s.A s.PA+200 c.A"},
    {"ESTABLISHED, data of the client on its way", "c.S s.SA c.A c.PA+100"},
    {"ESTABLISHED, data of the server on its way", "c.S s.SA c.A s.PA+100"},
    {"ESTABLISHED, window closed", "c.S s.SA c.A c.PA+100 s.A,w0"},
    {"ESTABLISHED, same ACKs", "c.S s.SA c.A s.A s.A s.A s.A"},
    {"ESTABLISHED, both opened", "c.S s.S c.SA,s-1 s.A c.A"},
    {"ESTABLISHED, SYN let through", "c.S s.SA c.A c.S,s+900000"},
    {"ESTABLISHED, SYN with options let through", "c.S,o s.SA,o c.A c.S,s+900000,o"},
    {"ESTABLISHED, SYN let through and challenged", "c.S s.SA c.A c.S,s+900000 s.A"},
    {"ESTABLISHED, late SYN-ACK", "c.S s.SA c.A s.SA,s-1"},
    {"ESTABLISHED, RST of the client not exact", "c.S s.SA c.A s.A c.R,s+10"},
    {"ESTABLISHED, RST of the server not exact", "c.S s.SA c.A c.PA+10 s.A s.R,s+10"},
    {"ESTABLISHED, FIN out of the window", "c.S s.SA c.A c.FA,s+900000"},
    {"ESTABLISHED, picked up", "c.A"},
    {"ESTABLISHED, picked up with data", "c.PA+100"},
    {"ESTABLISHED, picked up and answered", "c.A s.A"},
    {"ESTABLISHED, picked up, answered, gone on", "c.A s.A c.PA+100 s.A"},
    {"ESTABLISHED, picked up, SYN let through", "c.A s.A c.S,s+900000"},
    {"ESTABLISHED, opened anew", "c.S s.SA c.A c.S,s+900000 s.SA,s+700000,a@ c.A,s+900001,a+700001"},
    // --- FIN_WAIT
    {"FIN_WAIT, client closes", "c.S s.SA c.A c.FA"},
    {"FIN_WAIT, server closes", "c.S s.SA c.A s.FA"},
    {"FIN_WAIT, from SYN_RECV", "c.S s.SA c.FA"},
    {"FIN_WAIT, picked up", "c.A s.A c.FA"},
    {"FIN_WAIT, SYN let through", "c.S s.SA c.A c.FA c.S,s+900000"},
    // --- CLOSE_WAIT
    {"CLOSE_WAIT, client closes", "c.S s.SA c.A c.FA s.A"},
    {"CLOSE_WAIT, server closes", "c.S s.SA c.A s.FA c.A"},
    {"CLOSE_WAIT, data", "c.S s.SA c.A c.FA s.A s.PA+100"},
    {"CLOSE_WAIT, SYN let through", "c.S s.SA c.A c.FA s.A c.S,s+900000"},
    // --- LAST_ACK
    {"LAST_ACK, client closes", "c.S s.SA c.A c.FA s.A s.FA"},
    {"LAST_ACK, server closes", "c.S s.SA c.A s.FA c.A c.FA"},
    {"LAST_ACK, both at once", "c.S s.SA c.A c.FA s.FA,a-1"},
    {"LAST_ACK, SYN let through", "c.S s.SA c.A c.FA s.A s.FA c.S,s+900000"},
    {"LAST_ACK, challenged", "c.S s.SA c.A c.FA s.A s.FA c.S,s+900000 s.A"},
    // --- TIME_WAIT
    {"TIME_WAIT, client closed", "c.S s.SA c.A c.FA s.A s.FA c.A"},
    {"TIME_WAIT, server closed", "c.S s.SA c.A s.FA c.A c.FA s.A"},
    {"TIME_WAIT, last ACK again", "c.S s.SA c.A c.FA s.A s.FA c.A c.A"},
    // --- CLOSE
    {"CLOSE, by the client", "c.S s.SA c.A c.R"},
    {"CLOSE, by the server", "c.S s.SA c.A s.R"},
    {"CLOSE, by the server with ACK", "c.S s.SA c.A c.PA+10 s.RA"},
    {"CLOSE, from SYN_RECV", "c.S s.SA c.R"},
    {"CLOSE, refused twice", "c.S s.S s.R"},
    {"CLOSE, from FIN_WAIT", "c.S s.SA c.A c.FA s.R"},
    {"CLOSE, from TIME_WAIT", "c.S s.SA c.A c.FA s.A s.FA c.A c.R"},
    {"CLOSE, data behind it", "c.S s.SA c.A s.R c.PA+10"},
    {"CLOSE, SYN let through", "c.S s.SA c.A s.R c.S,s+900000"},
    {"NONE, refused", "c.S s.RA"},
};

constexpr Setting kSettings[] = {
    {"default", "", 1'000'000, 5'000'000},
    {"be_liberal=1", "net.netfilter.nf_conntrack_tcp_be_liberal = 1\n", 0xffff'fff0, 0x7fff'fff0},
    {"loose=0", "net.netfilter.nf_conntrack_tcp_loose = 0\n", 1'000'000, 0xffff'ff00},
    {"ignore_invalid_rst=1", "net.netfilter.nf_conntrack_tcp_ignore_invalid_rst = 1\n", 0x7fff'fff8, 5'000'000},
    {"be_liberal=1 max_retrans=1 established=200",
     "net.netfilter.nf_conntrack_tcp_be_liberal = 1\n"
     "net.netfilter.nf_conntrack_tcp_max_retrans = 1\n"
     "net.netfilter.nf_conntrack_tcp_timeout_established = 200\n",
     1'000'000, 5'000'000},
};

constexpr const char* kFollowUps[] = {
    "c.A",    "s.A",          "c.R",          "s.R",     "c.FA",         "s.FA",    "s.SA,s-1,a@",
    "c.S,o",  "s.A,a@",       "c.RA,s@",      "s.RA,a@", "s.R,s0,a0",    "c.SA,a@", "c.PA+100",
    "s.PA+5", "c.S,s+900000", "s.S,s+900000", "s.R,s@",  "c.FA,s+90000",
};

constexpr Place at(int32_t distance) { return {Place::kDistance, distance}; }
constexpr Place kZero = {Place::kZero, 0}, kOfLast = {Place::kOfLast, 0};
constexpr int32_t kEdge = kWindow;  // the first number beyond what the other side allowed

constexpr Place kSeqs[] = {at(0),     at(-1),        at(1),     at(-200'000), at(kEdge - 1),
                           at(kEdge), at(kEdge + 1), at(9'000), at(900'000),  kZero};
constexpr Place kAcks[] = {at(0), at(-1), at(-60'000), at(-200'000), at(1), at(900'000), kZero, kOfLast};
// Of each kind the usual and the two ends.
constexpr Place kFewSeqs[] = {at(0), at(-200'000), at(900'000)};
constexpr Place kFewAcks[] = {at(0), at(1)};

// The kinds of segments there are; what PSH and URG are said to change nothing of comes as a twin. Of the rest the
// tracker says that there is no such segment.
enum class Kind : uint8_t { kSegment, kTwin, kNone };
Kind kind_of(uint8_t flags) {
  const bool urgent = (flags & kTcpUrg) != 0, push = (flags & kTcpPsh) != 0;
  switch (flags & ~unsigned{kTcpPsh | kTcpUrg}) {
    case kTcpSyn:
      return urgent || push ? Kind::kTwin : Kind::kSegment;
    case kTcpAck:
    case kTcpFin | kTcpAck:
      return urgent ? Kind::kTwin : Kind::kSegment;  // with PSH there is data
    case kTcpSyn | kTcpAck:
    case kTcpRst:
    case kTcpRst | kTcpAck:
      return urgent ? Kind::kNone : push ? Kind::kTwin : Kind::kSegment;
    default:
      return Kind::kNone;
  }
}

std::span<const Place> some(Kind kind, std::span<const Place> all, std::span<const Place> few) {
  return kind == Kind::kSegment ? all : few;
}

std::vector<Probe> make_probes() {
  std::vector<Probe> out;
  for (const bool from_server : {false, true}) {
    for (unsigned f = 0; f < 64; ++f) {
      const auto flags = static_cast<uint8_t>(f);
      const Kind kind = kind_of(flags);
      const std::span<const Place> seqs = some(kind, kSeqs, kFewSeqs);
      const std::span<const Place> acks = some(kind, kAcks, kFewAcks);
      // With PSH there is data, unless it opens or ends.
      const uint16_t length = (f & kTcpPsh) != 0 && (f & (kTcpSyn | kTcpRst)) == 0 ? uint16_t{10} : uint16_t{0};
      for (const Place seq : seqs)
        for (const Place ack : acks) out.push_back({from_server, flags, length, seq, ack});
    }
  }
  return out;
}

std::string place_text(Place p) {
  switch (p.kind) {
    case Place::kZero:
      return "0";
    case Place::kOfLast:
      return "@";
    case Place::kUsual:
    case Place::kDistance:
      break;
  }
  return strf("%+d", p.distance);
}

}  // namespace

std::span<const Opening> openings() { return kOpenings; }
std::span<const Setting> settings() { return kSettings; }
std::span<const char* const> follow_ups() { return kFollowUps; }

const std::vector<Probe>& probes() {
  static const std::vector<Probe> all = make_probes();
  return all;
}

std::string Probe::text() const {
  std::string out = from_server ? "s." : "c.";
  for (size_t i = 0; i < 6; ++i)
    if ((flags >> i & 1) != 0) out += "FSRPAU"[i];
  if (length != 0) out += strf("+%u", length);
  return out + ",s" + place_text(seq) + ",a" + place_text(ack);
}

}  // namespace nf::tcp_tracker
