// PPTP (RFC 2637): the control connection of a client (PNS) with an access concentrator (PAC) announces, by two call
// ids, GRE packets of version 1 in both directions.
// twin: net/netfilter/nf_conntrack_pptp.c
//
// Taken from the kernel: the client of the control connection is the PNS; one call at a time; only the first message of
// a segment is read.
#pragma once

#include "conntrack/helper.h"

namespace nf::ct {

// twin: PptpControlMessageType
enum class PptpMessage : uint16_t {
  kStartSessionRequest = 1,
  kStartSessionReply,
  kStopSessionRequest,
  kStopSessionReply,
  kEchoRequest,
  kEchoReply,
  kOutCallRequest,
  kOutCallReply,
  kInCallRequest,
  kInCallReply,
  kInCallConnect,
  kCallClearRequest,
  kCallDisconnectNotify,
  kWanErrorNotify,
  kSetLinkInfo,
};

// twin: enum pptp_ctrlsess_state (the order is asked for)
enum class PptpSession : uint8_t { kNone, kError, kStopRequested, kRequested, kConfirmed };
// twin: enum pptp_ctrlcall_state
enum class PptpCall : uint8_t {
  kNone,
  kOutRequested,
  kOutConfirmed,
  kInRequested,
  kInReplied,
  kInConfirmed,
  kClearing
};

// What the helper keeps of a control connection. twin: struct nf_ct_pptp_master, struct nf_nat_pptp
struct PptpMaster {
  PptpSession session;
  PptpCall call;
  Be16 pac_call_id, pns_call_id;  // as the PAC knows them
  Be16 nat_pns_call_id;           // with NAT, as the PNS knows itself
};

// A control message; its body has what a message of this kind has.
struct PptpControl {
  static constexpr unsigned kBody = 12;  // its offset in the TCP payload
  PptpMessage message;
  std::span<const uint8_t> body;

  Be16 id(size_t offset) const { return *view<Be16>(body, offset); }
};

// twin: struct nf_nat_pptp_hook. In nat/helper/pptp.cc
class PptpNat {
 public:
  virtual ~PptpNat() = default;
  // Rewrites the call id of a message that was understood: of the PNS, and of the PAC.
  virtual Verdict outbound(const HelpInput& in, const PptpControl& control) = 0;
  virtual Verdict inbound(const HelpInput& in, const PptpControl& control) = 0;
  // What is expected of each direction, with NAT.
  virtual void expect_gre(PptpMaster& master, Expectation& original, Expectation& reply) = 0;
  // Both halves of an expected connection, and the end of the other direction's expectation.
  virtual void expected(Packet& p, Connection& c, const Expectation& e, const HookState& state) = 0;
};

class PptpHelper final : public Helper {
 public:
  PptpHelper(Conntrack& conntrack, PptpNat* nat);
  std::span<const ExpectPolicy> policies() const override;
  Verdict help(const HelpInput& in) const override;
  // What its GRE is or was to be ends with the control connection. twin: pptp_destroy_siblings
  void destroy(Conntrack& conntrack, Connection& c, Time now) const override;

 private:
  bool outbound(const HelpInput& in, const PptpControl& control) const;
  bool inbound(const HelpInput& in, const PptpControl& control) const;
  void expect_gre(const HelpInput& in, Be16 call_id, Be16 peer_call_id) const;

  PptpNat* nat_;
  ExpectFunction expected_;
};

}  // namespace nf::ct
