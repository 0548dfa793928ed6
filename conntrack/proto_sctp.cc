// SCTP. twin: net/netfilter/nf_conntrack_proto_sctp.c; sections are RFC 9260's (8.5: verification tags)
#include <bitset>
#include <string>

#include "conntrack/proto.h"
#include "datapath/packet/sctp.h"

namespace nf::ct {
namespace {

struct InitHeader {
  Be32 init_tag;
  uint8_t rest[12];
};
static_assert(sizeof(InitHeader) == 16);

constexpr uint8_t kHeartbeatVtagFailed = 1;  // SctpTrack::flags. twin: SCTP_FLAG_HEARTBEAT_VTAG_FAILED

constexpr SctpState sNO = SctpState::kNone, sCL = SctpState::kClosed, sCW = SctpState::kCookieWait,
                    sCE = SctpState::kCookieEchoed, sES = SctpState::kEstablished, sSS = SctpState::kShutdownSent,
                    sSR = SctpState::kShutdownReceived, sSA = SctpState::kShutdownAckSent,
                    sHS = SctpState::kHeartbeatSent, sIV = static_cast<SctpState>(kSctpStates);

// twin: sctp_conntracks
constexpr SctpState kTransitions[2][11][kSctpStates] = {
    {
        // clang-format off
        //                 sNO, sCL, sCW, sCE, sES, sSS, sSR, sSA, sHS
        /* init         */ {sCL, sCL, sCW, sCE, sES, sCL, sCL, sSA, sCW},
        /* init_ack     */ {sCL, sCL, sCW, sCE, sES, sSS, sSR, sSA, sCL},
        /* abort        */ {sCL, sCL, sCL, sCL, sCL, sCL, sCL, sCL, sCL},
        /* shutdown     */ {sCL, sCL, sCW, sCE, sSS, sSS, sSR, sSA, sCL},
        /* shutdown_ack */ {sSA, sCL, sCW, sCE, sES, sSA, sSA, sSA, sSA},
        /* error        */ {sCL, sCL, sCW, sCE, sES, sSS, sSR, sSA, sCL},
        /* cookie_echo  */ {sCL, sCL, sCE, sCE, sES, sSS, sSR, sSA, sCL},
        /* cookie_ack   */ {sCL, sCL, sCW, sES, sES, sSS, sSR, sSA, sCL},
        /* shutdown_comp*/ {sCL, sCL, sCW, sCE, sES, sSS, sSR, sCL, sCL},
        /* heartbeat    */ {sHS, sCL, sCW, sCE, sES, sSS, sSR, sSA, sHS},
        /* heartbeat_ack*/ {sCL, sCL, sCW, sCE, sES, sSS, sSR, sSA, sHS},
    },
    {
        /* init         */ {sIV, sCL, sCW, sCE, sES, sSS, sSR, sSA, sIV},
        /* init_ack     */ {sIV, sCW, sCW, sCE, sES, sSS, sSR, sSA, sIV},
        /* abort        */ {sIV, sCL, sCL, sCL, sCL, sCL, sCL, sCL, sIV},
        /* shutdown     */ {sIV, sCL, sCW, sCE, sSR, sSS, sSR, sSA, sIV},
        /* shutdown_ack */ {sIV, sCL, sCW, sCE, sES, sSA, sSA, sSA, sIV},
        /* error        */ {sIV, sCL, sCW, sCL, sES, sSS, sSR, sSA, sIV},
        /* cookie_echo  */ {sIV, sCL, sCE, sCE, sES, sSS, sSR, sSA, sIV},
        /* cookie_ack   */ {sIV, sCL, sCW, sES, sES, sSS, sSR, sSA, sIV},
        /* shutdown_comp*/ {sIV, sCL, sCW, sCE, sES, sSS, sSR, sCL, sIV},
        /* heartbeat    */ {sIV, sCL, sCW, sCE, sES, sSS, sSR, sSA, sHS},
        /* heartbeat_ack*/ {sIV, sCL, sCW, sCE, sES, sSS, sSR, sSA, sES},
        // clang-format on
    },
};

// Other chunks (DATA, SACK) change nothing. twin: sctp_new_state
SctpState new_state(size_t direction, SctpState state, uint8_t chunk) {
  static constexpr SctpChunk kRows[] = {kSctpInit,       kSctpInitAck,     kSctpAbort,
                                        kSctpShutdown,   kSctpShutdownAck, kSctpError,
                                        kSctpCookieEcho, kSctpCookieAck,   kSctpShutdownComplete,
                                        kSctpHeartbeat,  kSctpHeartbeatAck};
  for (size_t row = 0; row < std::size(kRows); ++row)
    if (kRows[row] == chunk) return kTransitions[direction][row][static_cast<size_t>(state)];
  return state;
}

// The chunks of a packet, one after the other, as far as their headers are whole.
class Chunks {
 public:
  explicit Chunks(std::span<const uint8_t> transport) : transport_(transport) { load(); }
  bool more() const { return chunk_ != nullptr; }
  const SctpChunkHeader& operator*() const { return *chunk_; }
  const SctpChunkHeader* operator->() const { return chunk_; }
  // What stands behind the chunk's header; null: not all of it is there.
  const InitHeader* init() const { return view<InitHeader>(transport_.subspan(at_ + sizeof(SctpChunkHeader))); }
  void next() {
    at_ += (size_t{chunk_->length.host()} + 3) & ~size_t{3};
    load();
  }

 private:
  void load() { chunk_ = at_ <= transport_.size() ? view<SctpChunkHeader>(transport_.subspan(at_)) : nullptr; }
  std::span<const uint8_t> transport_;
  size_t at_ = sizeof(SctpHeader);
  const SctpChunkHeader* chunk_ = nullptr;
};

using ChunkSet = std::bitset<256>;

// As it is sent, the least significant byte first; shown as the number it is.
Hex crc_word(const std::array<uint8_t, 4>& crc) {
  return {static_cast<uint32_t>(crc[0] | crc[1] << 8 | crc[2] << 16) | uint32_t{crc[3]} << 24};
}

// twin: enum sctp_cid; another chunk is shown by its number
std::string chunk_name(uint8_t type) {
  static constexpr const char* kNames[] = {
      "DATA",          "INIT",       "INIT_ACK", "SACK",         "HEARTBEAT",
      "HEARTBEAT_ACK", "ABORT",      "SHUTDOWN", "SHUTDOWN_ACK", "ERROR",
      "COOKIE_ECHO",   "COOKIE_ACK", "ECN_ECNE", "ECN_CWR",      "SHUTDOWN_COMPLETE"};
  return type < std::size(kNames) ? kNames[type] : std::to_string(type);
}

// twin: sctp_error
bool sctp_error(const TrackInput& in) {
  const SctpHeader* sctp = view<SctpHeader>(in.transport);
  if (sctp == nullptr) {
    in.core.reason.log("nf_ct_sctp: short packet ");
    in.core.reason.invalid("invalid.truncated", "SCTP", in.transport.size(), sizeof(SctpHeader));
    return true;
  }
  if (!in.check_sums() || in.p.checksum != ChecksumState::kNone) return false;
  in.p.need_contiguous(sizeof(SctpHeader));
  if (const auto right = sctp_checksum(in.transport); sctp->checksum != right) {
    in.core.reason.log("nf_ct_sctp: bad CRC ");
    in.core.reason.invalid("invalid.checksum", "SCTP", crc_word(sctp->checksum), crc_word(right));
    return true;
  }
  in.p.checksum = ChecksumState::kUnnecessary;
  return false;
}

// Which chunks there are; false: none, one of no length, or some that must stand alone or first do not.
// twin: do_basic_checks
bool basic_checks(const TrackInput& in, ChunkSet& seen) {
  bool alone = false;
  int count = 0;
  for (Chunks chunk(in.transport); chunk.more(); chunk.next(), ++count) {
    if (chunk->type == kSctpInit || chunk->type == kSctpInitAck || chunk->type == kSctpShutdownComplete) alone = true;
    const bool first = chunk->type == kSctpCookieAck || chunk->type == kSctpCookieEcho || alone;
    if ((first && count != 0) || chunk->length == Be16{}) {
      in.core.reason.log("do_basic_checks failed. chunk num %d, type %d, len %d flag %d\n", count, chunk->type,
                         chunk->length.raw(), alone ? 1 : 0);
      if (in.core.reason.told())
        in.core.reason.invalid(chunk->length == Be16{} ? "invalid.sctp_chunk_length" : "invalid.sctp_chunk_order",
                               chunk_name(chunk->type), count + 1);
      return false;
    }
    seen.set(chunk->type);
  }
  if (count == 0) in.core.reason.invalid("invalid.sctp_no_chunk");
  return count != 0;
}

// twin: sctp_new
bool begins_connection(const TrackInput& in, const SctpHeader& sctp) {
  SctpTrack& t = in.c.sctp;
  t = SctpTrack{};
  for (Chunks chunk(in.transport); chunk.more(); chunk.next()) {
    const SctpState state = new_state(0, sNO, chunk->type);
    if (state == sNO || state == sIV) {
      if (in.core.reason.told()) in.core.reason.invalid("invalid.sctp_new", chunk_name(chunk->type));
      return false;
    }
    if (chunk->type == kSctpInit) {
      const InitHeader* init = chunk.init();
      if (!sctp.vtag.is_zero() || init == nullptr) {  // 8.5.1 (A)
        if (init == nullptr)
          in.core.reason.invalid("invalid.sctp_init_truncated", "INIT");
        else
          in.core.reason.invalid("invalid.sctp_init_tag", Hex{sctp.vtag.host()});
        return false;
      }
      t.vtag[1] = init->init_tag;
    } else if (chunk->type == kSctpHeartbeat) {
      t.vtag[0] = sctp.vtag;
    } else if (chunk->type == kSctpShutdownAck) {
      t.vtag[1] = sctp.vtag;
    }
  }
  return true;
}

enum class Tag : uint8_t { kRight, kWrong, kPass };  // kPass: lets the packet through, learning nothing from it

// A HEARTBEAT or its answer with another tag than known comes by another path; the peer's answer tells whether it is
// to be believed.
Tag check_heartbeat(SctpTrack& t, size_t dir, uint8_t chunk, Be32 vtag, bool with_data, bool passing) {
  if (t.vtag[dir].is_zero()) {
    t.vtag[dir] = vtag;
    return Tag::kRight;
  }
  const bool failed = (t.flags & kHeartbeatVtagFailed) != 0;
  if (vtag == t.vtag[dir]) {
    t.flags = static_cast<uint8_t>(t.flags & ~kHeartbeatVtagFailed);
    return Tag::kRight;
  }
  if (with_data || passing) return Tag::kWrong;
  if (chunk == kSctpHeartbeat) {
    t.flags |= kHeartbeatVtagFailed;
    t.last_dir = static_cast<uint8_t>(dir);
    return Tag::kPass;
  }
  if (!failed || t.last_dir == dir) return Tag::kWrong;
  t.flags = static_cast<uint8_t>(t.flags & ~kHeartbeatVtagFailed);
  t.vtag[dir] = vtag;
  t.vtag[1 - dir] = Be32{};
  return Tag::kRight;
}

// An ABORT or SHUTDOWN COMPLETE that had no tag to answer with has the peer's. 8.5.1 (B), (C)
bool tag_of_peer(const SctpChunkHeader& chunk) {
  return (chunk.type == kSctpAbort || chunk.type == kSctpShutdownComplete) && (chunk.flags & kSctpFlagT) != 0;
}

// 8.5.1
Tag check_tag(SctpTrack& t, size_t dir, const SctpChunkHeader& chunk, Be32 vtag, const ChunkSet& seen, bool passing) {
  switch (chunk.type) {
    case kSctpInit:
      return vtag.is_zero() ? Tag::kRight : Tag::kWrong;
    case kSctpAbort:
    case kSctpShutdownComplete:
      return vtag == t.vtag[tag_of_peer(chunk) ? 1 - dir : dir] ? Tag::kRight : Tag::kWrong;
    case kSctpCookieEcho:
      return vtag == t.vtag[dir] ? Tag::kRight : Tag::kWrong;
    case kSctpCookieAck:
      t.init[0] = t.init[1] = 0;
      return Tag::kRight;
    case kSctpHeartbeat:
    case kSctpHeartbeatAck:
      return check_heartbeat(t, dir, chunk.type, vtag, seen.test(kSctpData), passing);
    default:
      return Tag::kRight;
  }
}

// What an INIT or INIT ACK says of the tag its sender wants to read. False: not to be believed.
bool note_tag(SctpTrack& t, SctpState before, size_t dir, const Chunks& chunk) {
  const InitHeader* init = chunk.init();
  if (init == nullptr) return false;
  Be32& peer = t.vtag[1 - dir];
  if (chunk->type == kSctpInit) {
    // One with the tag known already is stale, or sent again: no new beginning.
    if (before == sNO || peer != init->init_tag) {
      if (t.init[dir] != 0 && t.init[1 - dir] != 0) t.init[1 - dir] = 0;
      t.init[dir] = 1;
    }
  } else {
    if (t.init[1 - dir] == 0 && !peer.is_zero() && peer != init->init_tag) return false;
    // Both sides sent an INIT.
    if (t.init[dir] != 0 && t.init[1 - dir] != 0 && peer != init->init_tag) return false;
  }
  peer = init->init_tag;
  return true;
}

// Why note_tag() did not believe it. `known`: the tag its sender wants to read, as far as known.
void tell_init_refused(Reason& reason, const Chunks& chunk, Be32 known) {
  const InitHeader* init = chunk.init();
  if (init == nullptr)
    reason.invalid("invalid.sctp_init_truncated", chunk->type == kSctpInit ? "INIT" : "INIT_ACK");
  else
    reason.invalid("invalid.sctp_init_ack_tag", Hex{init->init_tag.host()}, Hex{known.host()});
}

}  // namespace

const char* sctp_state_name(SctpState s) {
  static constexpr const char* kNames[] = {"NONE",          "CLOSED",        "COOKIE_WAIT",   "COOKIE_ECHOED",
                                           "ESTABLISHED",   "SHUTDOWN_SENT", "SHUTDOWN_RECD", "SHUTDOWN_ACK_SENT",
                                           "HEARTBEAT_SENT"};
  return kNames[static_cast<size_t>(s)];
}

// twin: nf_conntrack_sctp_packet
Track sctp_packet(const TrackInput& in) {
  if (sctp_error(in)) return Track::kInvalid;
  const SctpHeader& sctp = *view<SctpHeader>(in.transport);
  ChunkSet seen;
  if (!basic_checks(in, seen)) return Track::kInvalid;
  Connection& c = in.c;
  SctpTrack& t = c.sctp;
  if (!c.confirmed()) {
    // 8.4: out of the blue
    for (const SctpChunk type : {kSctpAbort, kSctpShutdownComplete, kSctpCookieAck}) {
      if (!seen.test(type)) continue;
      if (in.core.reason.told()) in.core.reason.invalid("invalid.sctp_new", chunk_name(type));
      return Track::kInvalid;
    }
    if (!begins_connection(in, sctp)) return Track::kInvalid;
  }

  const auto dir = static_cast<size_t>(in.direction());
  bool checked_by_chunk = false;
  for (const SctpChunk type : {kSctpInit, kSctpShutdownComplete, kSctpCookieEcho, kSctpAbort, kSctpShutdownAck,
                               kSctpHeartbeat, kSctpHeartbeatAck}) {
    checked_by_chunk |= seen.test(type);
  }
  if (!checked_by_chunk && sctp.vtag != t.vtag[dir]) {
    in.core.reason.log("verification tag check failed %x vs %x for dir %zu", sctp.vtag.raw(), t.vtag[dir].raw(), dir);
    in.core.reason.invalid("invalid.sctp_tag", Hex{sctp.vtag.host()}, Hex{t.vtag[dir].host()});
    return Track::kInvalid;
  }

  SctpState after = sNO;
  bool passing = false;
  for (Chunks chunk(in.transport); chunk.more(); chunk.next()) {
    const Tag tag = check_tag(t, dir, *chunk, sctp.vtag, seen, passing);
    if (tag == Tag::kWrong) {
      if (chunk->type == kSctpInit)
        in.core.reason.invalid("invalid.sctp_init_tag", Hex{sctp.vtag.host()});
      else
        in.core.reason.invalid("invalid.sctp_tag", Hex{sctp.vtag.host()},
                               Hex{t.vtag[tag_of_peer(*chunk) ? 1 - dir : dir].host()});
      return Track::kInvalid;
    }
    if (tag == Tag::kPass) {
      in.core.reason.remark("remark.sctp_heartbeat", Hex{sctp.vtag.host()}, Hex{t.vtag[dir].host()});
      passing = true;
      continue;
    }
    const SctpState before = t.state;
    after = new_state(dir, before, chunk->type);
    if (after == sIV) {
      in.core.reason.log("Invalid, old_state %d, dir %zu, type %d", static_cast<int>(before), dir, chunk->type);
      if (in.core.reason.told())
        in.core.reason.invalid("invalid.sctp_state", chunk_name(chunk->type), dir == 0 ? "ORIGINAL" : "REPLY",
                               sctp_state_name(before));
      return Track::kInvalid;
    }
    if (chunk->type == kSctpInit || chunk->type == kSctpInitAck) {
      if (!note_tag(t, before, dir, chunk)) {
        tell_init_refused(in.core.reason, chunk, t.vtag[1 - dir]);
        return Track::kInvalid;
      }
      // A repeated INIT does not keep the entry alive.
      if (chunk->type == kSctpInit && before == sCL && after == sCL && c.confirmed()) {
        in.core.reason.remark("remark.sctp_init_again");
        passing = true;
      }
    }
    t.state = after;
    if (before == after) continue;
    Conntrack::event_cache(c, kEventProtoinfo);
    if (after == sES && (c.status & kAssured) == 0) {
      c.status |= kAssured;
      Conntrack::event_cache(c, kEventAssured);
    }
  }
  if (passing) return Track::kAccept;
  in.refresh(in.timeouts(in.core.settings.sctp_timeout)[static_cast<size_t>(after)]);
  return Track::kAccept;
}

bool sctp_can_early_drop(const Connection& c) {
  return c.sctp.state == sSS || c.sctp.state == sSR || c.sctp.state == sSA;
}

}  // namespace nf::ct
