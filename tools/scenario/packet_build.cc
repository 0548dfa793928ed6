#include <cstring>

#include "datapath/base/text.h"
#include "datapath/packet/checksum.h"
#include "datapath/packet/sctp.h"
#include "tools/backend/station.h"
#include "tools/scenario/packet_text.h"

namespace nf::scenario {
namespace {

class Builder {
 public:
  Builder(const PacketSpec& spec, const Variables& variables) : spec_(spec), variables_(variables) {}

  Result<std::vector<uint8_t>> build(Layer layer) {
    if (spec_.form == Form::kBytes) return spec_.bytes;
    const bool arp = spec_.form == Form::kArpRequest || spec_.form == Form::kArpReply;
    if (arp && layer == Layer::kIp) return error("ARP has no IP packet");
    std::vector<uint8_t> body = arp ? arp_packet() : ip_packet();
    if (layer == Layer::kEthernet) {
      std::vector<uint8_t> frame = ethernet(arp);
      frame.insert(frame.end(), body.begin(), body.end());
      frame.resize(frame.size() + number(Field::kPad, 0));
      body = std::move(frame);
    }
    if (failed_) return error_;
    return body;
  }

 private:
  uint32_t resolve(const std::optional<Value>& v, uint32_t unset) {
    if (!v) return unset;
    if (v->plain()) return v->low;
    const auto known = variables_.find(v->variable);
    if (known != variables_.end()) return known->second;
    if (!failed_)
      error_ = error(v->variable.empty() ? "a range or * can only be matched, not sent"
                                         : "$" + v->variable + " has no value yet");
    failed_ = true;
    return unset;
  }
  uint32_t number(Field f, uint32_t unset) { return resolve(spec_[f], unset); }
  uint16_t number16(Field f, uint16_t unset) { return static_cast<uint16_t>(number(f, unset)); }
  uint8_t number8(Field f, uint8_t unset) { return static_cast<uint8_t>(number(f, unset)); }

  std::vector<uint8_t> ethernet(bool arp) {
    const uint32_t to = resolve(spec_.destination, 0);
    MacAddress destination{};
    if (spec_.form == Form::kArpRequest || to == UINT32_MAX)
      destination = kBroadcastMac;
    else if (!arp && to >> 28 == 14)  // RFC 1112, 6.4
      destination = {
          1, 0, 0x5e, static_cast<uint8_t>(to >> 16 & 0x7f), static_cast<uint8_t>(to >> 8), static_cast<uint8_t>(to)};
    const EthernetHeader header{spec_.mac_destination.value_or(destination),
                                spec_.mac_source.value_or(station_mac(be32(resolve(spec_.source, 0)))),
                                be16(number16(Field::kEtherType, arp ? kEtherArp : kEtherIpv4))};
    std::vector<uint8_t> out(sizeof header);
    std::memcpy(out.data(), &header, sizeof header);
    if (spec_[Field::kVlan]) {
      const uint16_t tag = number16(Field::kVlan, 0);
      const uint8_t bytes[4] = {0x81, 0, static_cast<uint8_t>(tag >> 8), static_cast<uint8_t>(tag)};
      out.insert(out.begin() + 12, bytes, bytes + 4);
    }
    return out;
  }

  std::vector<uint8_t> arp_packet() {
    ArpHeader arp{};
    arp.hardware_type = be16(1);
    arp.protocol_type = be16(kEtherIpv4);
    arp.hardware_length = 6;
    arp.protocol_length = 4;
    arp.operation = be16(spec_.form == Form::kArpRequest ? kArpRequest : kArpReply);
    arp.sender_ip = be32(resolve(spec_.source, 0));
    arp.target_ip = be32(resolve(spec_.destination, 0));
    arp.sender_mac = spec_.form == Form::kArpReply ? spec_.arp_mac.value_or(MacAddress{})
                                                   : spec_.mac_source.value_or(station_mac(arp.sender_ip));
    if (spec_.form == Form::kArpReply) arp.target_mac = spec_.mac_destination.value_or(MacAddress{});
    std::vector<uint8_t> out(sizeof arp);
    std::memcpy(out.data(), &arp, sizeof arp);
    return out;
  }

  std::vector<uint8_t> ip_packet() {
    const std::vector<uint8_t> datagram = transport();
    const uint32_t offset = number(Field::kFragment, 0);
    bool more = spec_.mf;
    size_t begin = 0, end = datagram.size();
    if (spec_[Field::kPart]) {
      begin = std::min<size_t>(offset, datagram.size());
      end = std::min<size_t>(begin + number(Field::kPart, 0), datagram.size());
      more = more || end < datagram.size();
    }
    static const std::vector<uint8_t> kNone;
    const std::vector<uint8_t>& options = spec_.ip_options ? *spec_.ip_options : kNone;
    const size_t header = sizeof(Ipv4Header) + options.size();
    const size_t total = header + (end - begin);
    if (total > UINT16_MAX && !spec_[Field::kTotal]) {
      if (!failed_) error_ = error(strf("an IP packet of %zu bytes", total));
      failed_ = true;
    }
    std::vector<uint8_t> out(header);
    Ipv4Header& ip = *view<Ipv4Header>(std::span<uint8_t>(out));
    ip.version_ihl =
        static_cast<uint8_t>(number(Field::kVersion, 4) << 4 | number(Field::kIhl, static_cast<uint32_t>(header / 4)));
    ip.tos = number8(Field::kTos, 0);
    ip.total_length = be16(number16(Field::kTotal, static_cast<uint16_t>(total)));
    ip.id = be16(number16(Field::kIpId, 0));
    ip.fragment = be16(static_cast<uint16_t>((spec_.df ? kIpDontFragment : 0) | (more ? kIpMoreFragments : 0) |
                                             (offset / 8 & kIpOffsetMask)));
    ip.ttl = number8(Field::kTtl, 64);
    ip.protocol = spec_.protocol;
    ip.source = be32(resolve(spec_.source, 0));
    ip.destination = be32(resolve(spec_.destination, 0));
    if (!options.empty()) std::memcpy(out.data() + sizeof ip, options.data(), options.size());
    ip.checksum = checksum_finish(checksum_add(out));
    if (spec_.bad_ip_sum) ip.checksum = be16(static_cast<uint16_t>(ip.checksum.host() ^ 1));
    if (spec_[Field::kIpSum]) ip.checksum = be16(number16(Field::kIpSum, 0));
    out.insert(out.end(), datagram.begin() + static_cast<ptrdiff_t>(begin),
               datagram.begin() + static_cast<ptrdiff_t>(end));
    const size_t cut = number(Field::kCut, UINT16_MAX);
    if (out.size() > cut) out.resize(cut);
    return out;
  }

  std::vector<uint8_t> transport() {
    switch (spec_.form) {
      case Form::kTcp:
        return tcp();
      case Form::kUdp:
        return udp();
      case Form::kSctp:
        return sctp();
      case Form::kIcmp:
        return icmp();
      default:
        return spec_.payload.value_or(std::vector<uint8_t>{});
    }
  }

  template <class Header>
  std::vector<uint8_t> with_payload(const Header& header, const std::vector<uint8_t>& options,
                                    const std::vector<uint8_t>& payload) {
    std::vector<uint8_t> out(sizeof header);
    std::memcpy(out.data(), &header, sizeof header);
    out.insert(out.end(), options.begin(), options.end());
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
  }

  // The right sum, or what is said instead. (RFC 768: a sum of zero is sent as ones.)
  Be16 sum_of(std::span<const uint8_t> bytes) {
    Sum sum = checksum_add(bytes);
    if (spec_.form != Form::kIcmp)
      sum += checksum_pseudo(be32(resolve(spec_.source, 0)), be32(resolve(spec_.destination, 0)), spec_.protocol,
                             static_cast<uint32_t>(bytes.size()));
    Be16 right = checksum_finish(sum);
    if (spec_.form == Form::kUdp && right == Be16{}) right = be16(0xffff);
    if (spec_[Field::kSum]) return be16(number16(Field::kSum, 0));
    if (spec_.no_sum) return {};
    if (!spec_.bad_sum) return right;
    const uint16_t bad = static_cast<uint16_t>(right.host() ^ 1);
    return be16(bad == 0 ? 2 : bad);
  }

  std::vector<uint8_t> tcp() {
    const std::vector<uint8_t> options = spec_.tcp_options.value_or(std::vector<uint8_t>{});
    TcpHeader h{};
    h.source = be16(static_cast<uint16_t>(resolve(spec_.source_port, 0)));
    h.destination = be16(static_cast<uint16_t>(resolve(spec_.destination_port, 0)));
    h.sequence = be32(number(Field::kSequence, 0));
    h.acknowledgment = be32(number(Field::kAcknowledgment, 0));
    h.offset_reserved = static_cast<uint8_t>((sizeof h + options.size()) / 4 << 4);
    h.flags = spec_.tcp_flags.value_or(kTcpAck);
    h.window = be16(number16(Field::kWindow, 64240));
    h.urgent = be16(number16(Field::kUrgent, 0));
    std::vector<uint8_t> out = with_payload(h, options, spec_.payload.value_or(std::vector<uint8_t>{}));
    view<TcpHeader>(std::span<uint8_t>(out))->checksum = sum_of(out);
    return out;
  }

  std::vector<uint8_t> udp() {
    const std::vector<uint8_t> payload = spec_.payload.value_or(std::vector<uint8_t>{});
    UdpHeader h{};
    h.source = be16(static_cast<uint16_t>(resolve(spec_.source_port, 0)));
    h.destination = be16(static_cast<uint16_t>(resolve(spec_.destination_port, 0)));
    h.length = be16(number16(Field::kUdpLength, static_cast<uint16_t>(sizeof h + payload.size())));
    std::vector<uint8_t> out = with_payload(h, {}, payload);
    view<UdpHeader>(std::span<uint8_t>(out))->checksum = sum_of(out);
    return out;
  }

  std::vector<uint8_t> sctp() {
    SctpHeader h{};
    h.source = be16(static_cast<uint16_t>(resolve(spec_.source_port, 0)));
    h.destination = be16(static_cast<uint16_t>(resolve(spec_.destination_port, 0)));
    h.vtag = be32(number(Field::kVtag, 0));
    std::vector<uint8_t> out = with_payload(h, {}, spec_.payload.value_or(std::vector<uint8_t>{}));
    h.checksum = sctp_checksum(out);
    if (spec_.bad_sum) h.checksum[0] ^= 1;
    const Be32 said = be32(number(Field::kSum, 0));
    if (spec_[Field::kSum]) std::memcpy(h.checksum.data(), &said, sizeof said);
    std::memcpy(out.data(), &h, sizeof h);
    return out;
  }

  std::vector<uint8_t> icmp() {
    IcmpHeader h{};
    h.type = spec_.icmp_type;
    h.code = spec_.icmp_code;
    if (icmp_is_query(h.type)) {
      h.id = be16(number16(Field::kIcmpId, 1));
      h.sequence = be16(number16(Field::kIcmpSequence, 1));
    } else if (spec_[Field::kMtu]) {
      h.set_info(be32(number(Field::kMtu, 0)));
    } else if (spec_[Field::kGateway]) {
      h.set_info(be32(number(Field::kGateway, 0)));
    } else if (spec_[Field::kPointer]) {
      h.set_info(be32(number(Field::kPointer, 0) << 24));
    } else {
      h.set_info(be32(number(Field::kInfo, 0)));
    }
    std::vector<uint8_t> payload = spec_.payload.value_or(std::vector<uint8_t>{});
    if (spec_.quote != nullptr) {
      Result<std::vector<uint8_t>> quoted = build_packet(*spec_.quote, Layer::kIp, variables_);
      if (quoted) {
        payload = quoted.take();
      } else if (!failed_) {
        failed_ = true;
        error_ = quoted.error();
      }
    }
    std::vector<uint8_t> out = with_payload(h, {}, payload);
    view<IcmpHeader>(std::span<uint8_t>(out))->checksum = sum_of(out);
    return out;
  }

  const PacketSpec& spec_;
  const Variables& variables_;
  bool failed_ = false;
  Error error_;
};

}  // namespace

Result<std::vector<uint8_t>> build_packet(const PacketSpec& spec, Layer layer, const Variables& variables) {
  return Builder(spec, variables).build(layer);
}

}  // namespace nf::scenario
