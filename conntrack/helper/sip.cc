#include "conntrack/helper/sip.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "conntrack/helper/sip_internal.h"
#include "datapath/packet/headers.h"
#include "datapath/trace/drop_reason.h"

namespace nf::ct::sip {
namespace {

constexpr Duration kSignallingTimeout = 3600 * kSecond;  // twin: sip_timeout
constexpr std::string_view kShortest = "SIP/2.0 200";
constexpr std::string_view kHeaderEnd = "\r\n\r\n";

constexpr ExpectPolicy kPolicies[] = {
    {"signalling", 1, 180},
    {"audio", 4, 180},
    {"video", 4, 180},
    {"image", 2, 180},
};

Verdict process_invite_request(SipMessage& m, SipNat* nat, uint32_t cseq) {
  flush_expectations(m.in, true);
  const Verdict v = process_sdp(m, nat);
  if (v == Verdict::kAccept) sip_master(m.in).invite_cseq = cseq;
  return v;
}
Verdict process_session_request(SipMessage& m, SipNat* nat, uint32_t) { return process_sdp(m, nat); }
Verdict process_bye_request(SipMessage& m, SipNat*, uint32_t) {
  flush_expectations(m.in, true);
  return Verdict::kAccept;
}
// twin: process_invite_response, _update_response, _prack_response
Verdict process_session_response(SipMessage& m, SipNat* nat, uint32_t cseq, uint32_t code) {
  if (success_or_provisional(code)) return process_sdp(m, nat);
  if (sip_master(m.in).invite_cseq == cseq) flush_expectations(m.in, true);
  return Verdict::kAccept;
}
Verdict process_registered(SipMessage& m, SipNat*, uint32_t cseq, uint32_t code) {
  return process_register_response(m, cseq, code);
}

// twin: struct sip_handler, sip_handlers
struct Handler {
  std::string_view method;
  Verdict (*request)(SipMessage&, SipNat*, uint32_t cseq);
  Verdict (*response)(SipMessage&, SipNat*, uint32_t cseq, uint32_t code);  // null: not looked at
};
constexpr Handler kHandlers[] = {
    {"INVITE", process_invite_request, process_session_response},
    {"UPDATE", process_session_request, process_session_response},
    {"ACK", process_session_request, nullptr},
    {"PRACK", process_session_request, process_session_response},
    {"BYE", process_bye_request, nullptr},
    {"REGISTER", process_register_request, process_registered},
};

// The number of CSeq, and behind it. nullopt: dropped.
struct Cseq {
  uint32_t value;
  size_t end;
};
std::optional<Cseq> read_cseq(const SipMessage& m) {
  TextRange match;
  if (get_header(m.text(), 0, Header::kCSeq, match) != Found::kYes) {
    drop(m, "cannot parse cseq");
    return std::nullopt;
  }
  const Number number = parse_number(m.text(), match.offset);
  if (number.end == match.offset) {
    drop(m, "cannot get cseq");
    return std::nullopt;
  }
  return Cseq{number.value, match.end()};
}

// twin: process_sip_response
Verdict process_response(SipMessage& m, SipNat* nat) {
  if (m.size < kShortest.size()) return Verdict::kAccept;
  const uint32_t code = parse_number(m.text(), std::string_view("SIP/2.0 ").size()).value;
  if (code == 0) return drop(m, "cannot get code");
  const std::optional<Cseq> cseq = read_cseq(m);
  if (!cseq) return Verdict::kDrop;
  for (const Handler& h : kHandlers)
    if (h.response != nullptr && word_at(m.text(), cseq->end + 1, h.method))
      return h.response(m, nat, cseq->value, code);
  return Verdict::kAccept;
}

// twin: process_sip_request
Verdict process_request(SipMessage& m, SipNat* nat) {
  // Some phones ask from a high port and want their answers at the one they write in Via.
  const Tuple& here = m.in.c.tuple[static_cast<size_t>(m.in.direction())];
  TextRange match;
  Endpoint via;
  if (parse_header_uri(m.text(), nullptr, Header::kViaUdp, match, via) == Found::kYes && via.port != here.source_id &&
      via.address == here.source)
    sip_master(m.in).forced_dport = via.port;

  for (const Handler& h : kHandlers) {
    const std::string_view text = m.text();
    const size_t end = h.method.size();
    if (text.size() < end + 2 || !word_at(text, 0, h.method) || text[end] != ' ' || !is_letter(text[end + 1])) continue;
    const std::optional<Cseq> cseq = read_cseq(m);
    if (!cseq) return Verdict::kDrop;
    return h.request(m, nat, cseq->value);
  }
  return Verdict::kAccept;
}

// twin: process_sip_msg
Verdict process_message(SipMessage& m, SipNat* nat) {
  const bool response = word_at(m.text(), 0, "SIP/2.0 ");
  Verdict v = response ? process_response(m, nat) : process_request(m, nat);
  SipNat* translated = nat_for(m, nat);
  if (v == Verdict::kAccept && translated != nullptr && !translated->message(m)) v = drop(m, "cannot NAT SIP message");
  if (v == Verdict::kDrop) m.in.p.drop_reason = static_cast<uint8_t>(DropReason::kConntrackHelper);
  return v;
}

// twin: nf_ct_refresh
void refresh(const HelpInput& in) {
  if ((in.c.status & kFixedTimeout) == 0) in.c.expires = kSignallingTimeout + (in.c.confirmed() ? in.now() : 0);
}

// How long the message at the beginning of `text` is; nullopt: none can be made out. May be longer than `text`.
std::optional<size_t> message_length(std::string_view text) {
  TextRange match;
  if (get_header(text, 0, Header::kContentLength, match) != Found::kYes) return std::nullopt;
  const Number content = parse_number(text, match.offset);
  if (content.end == match.offset || content.value > text.size()) return std::nullopt;
  const size_t end = text.find(kHeaderEnd, content.end);
  if (end == std::string_view::npos) return std::nullopt;
  return end + kHeaderEnd.size() + content.value;
}

class SipHelper : public Helper {
 public:
  SipHelper(uint8_t protocol, SipNat* nat) : Helper("sip", protocol, kPort), nat_(nat) {}
  std::span<const ExpectPolicy> policies() const override { return kPolicies; }

 protected:
  SipNat* nat_;
};

// twin: sip_help_udp
class SipUdp final : public SipHelper {
 public:
  explicit SipUdp(SipNat* nat) : SipHelper(kProtoUdp, nat) {}
  Verdict help(const HelpInput& in) const override {
    const size_t length = in.transport().size();
    if (length <= sizeof(UdpHeader)) return Verdict::kAccept;
    refresh(in);
    in.p.fragment_count = 0;  // linearized
    SipMessage m{in, sizeof(UdpHeader), 0, length - sizeof(UdpHeader)};
    return m.size < kShortest.size() ? Verdict::kAccept : process_message(m, nat_);
  }
};

// twin: sip_help_tcp
class SipTcp final : public SipHelper {
 public:
  explicit SipTcp(SipNat* nat) : SipHelper(kProtoTcp, nat) {}
  Verdict help(const HelpInput& in) const override {
    if (in.ctinfo() != CtInfo::kEstablished && in.ctinfo() != CtInfo::kEstablishedReply) return Verdict::kAccept;
    const TcpHeader* tcp = view<TcpHeader>(in.transport());
    if (tcp == nullptr || tcp->header_length() >= in.transport().size()) return Verdict::kAccept;
    const size_t payload = tcp->header_length();
    refresh(in);
    in.p.fragment_count = 0;  // linearized
    if (in.transport().size() - payload < kShortest.size()) return Verdict::kAccept;

    // Whole messages, one behind the other; how much longer they have become counts in 16 bits.
    int16_t change = 0;
    for (size_t offset = 0;;) {
      const size_t left = in.transport().size() - payload - offset;
      SipMessage rest{in, payload, offset, left};
      const std::optional<size_t> length = message_length(rest.text());
      if (!length) break;
      // The rest of it is in later packets. What was changed before it stays unadjusted, as in the kernel.
      if (*length > left) return Verdict::kAccept;
      SipMessage m{in, payload, offset, *length};
      if (process_message(m, nat_) != Verdict::kAccept) return Verdict::kDrop;
      change = static_cast<int16_t>(change + static_cast<int>(m.size) - static_cast<int>(*length));
      offset += m.size;
    }
    if (nat_ != nullptr && (in.c.status & kNatMask) != 0) nat_->seq_adjust(in, change);
    return Verdict::kAccept;
  }
};

}  // namespace

void flush_expectations(const HelpInput& in, bool media) {
  for (Expectation* e = in.help().expectations; e != nullptr;) {
    Expectation* next = e->next_of_master;
    if ((e->expect_class != kSipSignalling) == media) {
      in.conntrack.expectations().unexpect(*e, in.now());
      if (!media) return;
    }
    e = next;
  }
}

}  // namespace nf::ct::sip

namespace nf::ct {

void register_sip(HelperRegistry& helpers, SipNat* nat) {
  helpers.add(std::make_unique<sip::SipUdp>(nat));
  helpers.add(std::make_unique<sip::SipTcp>(nat));
}

}  // namespace nf::ct
