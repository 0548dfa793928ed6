#include "nat/helper/sip.h"

#include <string>

#include "conntrack/seqadj.h"
#include "datapath/base/text.h"
#include "datapath/packet/headers.h"
#include "nat/helper/sip_mangle.h"
#include "nat/mangle.h"

namespace nf::nat {
namespace {

using ct::Expectation;
using ct::ExpectError;
using ct::HelpInput;
using ct::SipMessage;
using namespace ct::sip;

// False, for whoever refuses; the packet is dropped.
bool refuse(const HelpInput& in, std::string_view text) {
  in.help().helper->drop(in, text);
  return false;
}

bool starts_response(const SipMessage& m) { return word_at(m.text(), 0, "SIP/2.0"); }

// The parameters of Via that tell where the answer goes. They begin behind `from`. twin: in nf_nat_sip
bool map_via_parameters(SipMessage& m, size_t from) {
  const HelpInput& in = m.in;
  const auto here = static_cast<size_t>(in.direction());
  const ct::Tuple &seen = in.c.tuple[here], &other = in.c.tuple[1 - here];
  TextRange match;
  Be32 address;
  if (parse_address_parameter(m.text(), from, "maddr=", match, address) == Found::kYes && address == seen.source &&
      address != other.destination && !sip::mangle(m, match, format_ipv4(other.destination)))
    return refuse(in, "cannot mangle maddr");
  if (parse_address_parameter(m.text(), from, "received=", match, address) == Found::kYes &&
      address == seen.destination && address != other.source && !sip::mangle(m, match, format_ipv4(other.source)))
    return refuse(in, "cannot mangle received");
  uint32_t port;
  if (parse_number_parameter(m.text(), from, "rport=", match, port) == Found::kYes && port >= 1024 && port <= 65535 &&
      port == seen.destination_id.host() && port != other.source_id.host() &&
      !sip::mangle(m, match, std::to_string(other.source_id.host())))
    return refuse(in, "cannot mangle rport");
  return true;
}

// The topmost Via, if it is about this connection. twin: in nf_nat_sip
bool map_via(SipMessage& m, bool request) {
  const HelpInput& in = m.in;
  const ct::Tuple& seen = in.c.tuple[static_cast<size_t>(in.direction())];
  TextRange match;
  Endpoint via;
  const Header type = seen.protocol == kProtoTcp ? Header::kViaTcp : Header::kViaUdp;
  if (parse_header_uri(m.text(), nullptr, type, match, via) != Found::kYes) return true;
  const Endpoint ours =
      request ? Endpoint{seen.source, seen.source_id} : Endpoint{seen.destination, seen.destination_id};
  if (via != ours) return true;
  const size_t before = m.size;
  if (!sip::map_address(m, match, via)) return refuse(in, "cannot mangle Via header");
  return map_via_parameters(m, match.end() + m.size - before);
}

bool map_first(SipMessage& m, Header type) {
  TextRange match;
  Endpoint uri;
  return parse_header_uri(m.text(), nullptr, type, match, uri) != Found::kYes || sip::map_address(m, match, uri);
}

class SipNatImpl final : public ct::SipNat {
 public:
  explicit SipNatImpl(Nat& nat) : nat_(nat) {}

  bool message(SipMessage& m) override {
    const HelpInput& in = m.in;
    const bool request = !starts_response(m);
    TextRange match;
    Endpoint uri;
    if (request && parse_request(m.text(), match, uri) == Found::kYes && !sip::map_address(m, match, uri))
      return refuse(in, "cannot mangle SIP message");
    if (!map_via(m, request)) return false;

    HeaderWalk walk;
    while (parse_header_uri(m.text(), &walk, Header::kContact, match, uri) == Found::kYes)
      if (!sip::map_address(m, match, uri)) return refuse(in, "cannot mangle contact");
    if (!map_first(m, Header::kFrom) || !map_first(m, Header::kTo)) return refuse(in, "cannot mangle SIP from/to");

    const Be16 forced = sip_master(in).forced_dport;
    if (in.direction() == CtDirection::kReply && forced != Be16{}) {
      // A request over TCP may have said that it came over UDP.
      if (in.c.tuple[0].protocol != kProtoUdp) return refuse(in, "cannot mangle packet");
      view<UdpHeader>(in.p.transport())->destination = forced;
      if (!mangle_udp_packet(in, 0, 0, {})) return refuse(in, "cannot mangle packet");
    }
    return true;
  }

  void seq_adjust(const HelpInput& in, int16_t change) override {
    if (in.c.tuple[0].protocol != kProtoTcp || change == 0) return;
    ct::seqadj_set(in.c, in.ctinfo(), view<TcpHeader>(in.transport())->sequence.host(), change);
  }

  bool expect(SipMessage& m, Expectation& e, TextRange match) override {
    const HelpInput& in = m.in;
    const auto here = static_cast<size_t>(in.direction());
    const ct::Tuple &seen = in.c.tuple[here], &other = in.c.tuple[1 - here];
    // Who signals from the port he expects calls at is called at the port he is seen with.
    const Be16 forced = sip_master(in).forced_dport;
    const bool same_port = e.tuple.destination_id == (forced != Be16{} ? forced : seen.source_id);
    const uint16_t wanted = (same_port ? other.destination_id : e.tuple.destination_id).host();
    leave_to(e, seen.source == other.destination ? e.tuple.destination : other.destination, in);

    const uint16_t port = expect_find_port(in, e, wanted);
    if (port == 0) return refuse(in, "all ports in use for SIP");
    if (e.tuple.destination == e.saved_address && e.tuple.destination_id == e.saved_id) return true;
    if (sip::mangle(m, match, strf("%s:%u", format_ipv4(e.tuple.destination).c_str(), port))) return true;
    refuse(in, "cannot mangle packet");
    unexpect(in, e);
    return false;
  }

  bool sdp_address(SipMessage& m, size_t from, SdpHeader type, SdpHeader term, Be32 address) override {
    return sip::mangle_sdp(m, from, type, term, format_ipv4(address)) == Found::kYes && sip::mangle_content_length(m);
  }

  bool sdp_port(SipMessage& m, TextRange match, uint16_t port) override {
    return sip::mangle(m, match, std::to_string(port)) && sip::mangle_content_length(m);
  }

  bool sdp_session(SipMessage& m, size_t from, Be32 address) override {
    const std::string text = format_ipv4(address);
    // A session need not have a connection line: then all its media have.
    return sip::mangle_sdp(m, from, SdpHeader::kOwner, SdpHeader::kMedia, text) == Found::kYes &&
           sip::mangle_sdp(m, from, SdpHeader::kConnection, SdpHeader::kMedia, text) != Found::kBad &&
           sip::mangle_content_length(m);
  }

  bool sdp_media(SipMessage& m, Expectation& rtp, Expectation& rtcp, TextRange media, Be32& address) override {
    const HelpInput& in = m.in;
    const auto here = static_cast<size_t>(in.direction());
    if (in.c.tuple[here].source == in.c.tuple[1 - here].destination)
      address = rtp.tuple.destination;
    else
      address = in.c.tuple[1 - here].destination;
    leave_to(rtp, address, in);
    leave_to(rtcp, address, in);

    const uint16_t port = expect_pair(in, rtp, rtcp);
    if (port == 0) return refuse(in, "all ports in use for SDP media");
    if (rtp.tuple.destination_id == rtp.saved_id || sdp_port(m, media, port)) return true;
    refuse(in, "cannot mangle SDP message");
    unexpect(in, rtp);
    unexpect(in, rtcp);
    return false;
  }

 private:
  // twin: what nf_nat_sip_expect and nf_nat_sdp_media write into an expectation
  void leave_to(Expectation& e, Be32 address, const HelpInput& in) {
    e.saved_address = e.tuple.destination;
    e.saved_id = e.tuple.destination_id;
    e.tuple.destination = address;
    e.direction = in.direction() == CtDirection::kOriginal ? CtDirection::kReply : CtDirection::kOriginal;
    e.expectfn = &expected_;
  }

  static void unexpect(const HelpInput& in, const Expectation& e) {
    ct::Expectations& all = in.conntrack.expectations();
    if (Expectation* entered = all.find_same(e)) all.unexpect(*entered, in.now());
  }

  // Enters both at the first two neighbouring ports that are free, from the one wanted on; 0: there are none.
  // twin: in nf_nat_sdp_media
  static uint16_t expect_pair(const HelpInput& in, Expectation& rtp, Expectation& rtcp) {
    ct::Expectations& all = in.conntrack.expectations();
    for (uint16_t port = rtp.tuple.destination_id.host(); port != 0; port = static_cast<uint16_t>(port + 2)) {
      rtp.tuple.destination_id = be16(port);
      const ExpectError first = all.related(rtp, in.now(), true);
      if (first == ExpectError::kBusy) continue;
      if (first != ExpectError::kNone) return 0;
      rtcp.tuple.destination_id = be16(static_cast<uint16_t>(port + 1));
      const ExpectError second = all.related(rtcp, in.now(), true);
      if (second == ExpectError::kNone) return port;
      unexpect(in, rtp);
      if (second != ExpectError::kBusy) return 0;
    }
    return 0;
  }

  // Both halves of an expected connection. twin: nf_nat_sip_expected
  void expected(Packet& p, ct::Connection& c, const Expectation& e, const HookState& state) {
    Range range;
    range.flags = kRangeMapIps | kRangeProtoSpecified;
    range.min_port = range.max_port = e.saved_id;
    range.min_address = range.max_address = e.saved_address;
    nat_.setup_info(p, c, range, ManipType::kDestination, state);

    const ct::Tuple& original = c.tuple[0];
    const auto towards = static_cast<size_t>(e.direction);
    const ct::Connection& master = *c.master;
    // Whose media are expected too is seen by the others where that is.
    const Expectation* pair = nullptr;
    if (e.expect_class != ct::kSipSignalling) {
      for (pair = ct::help_of(master)->expectations; pair != nullptr; pair = pair->next_of_master)
        if (pair->tuple.protocol == original.protocol && original.source == pair->saved_address &&
            original.source_id == pair->saved_id)
          break;
    }
    if (pair != nullptr) {
      range.min_port = range.max_port = pair->tuple.destination_id;
      range.min_address = range.max_address = pair->tuple.destination;
    } else if (original.source == master.tuple[towards].source) {
      range = {};
      range.flags = kRangeMapIps;
      range.min_address = range.max_address = master.tuple[1 - towards].destination;
    } else {
      return;
    }
    nat_.setup_info(p, c, range, ManipType::kSource, state);
  }

  Nat& nat_;
  const ct::ExpectFunction expected_{"sip", [this](Packet& p, ct::Connection& c, const Expectation& e,
                                                   const HookState& state) { expected(p, c, e, state); }};
};

}  // namespace

std::unique_ptr<ct::SipNat> make_sip_nat(Nat& nat) { return std::make_unique<SipNatImpl>(nat); }

}  // namespace nf::nat
