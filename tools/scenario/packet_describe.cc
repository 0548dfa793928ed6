#include <algorithm>
#include <cstring>

#include "datapath/base/text.h"
#include "datapath/packet/checksum.h"
#include "datapath/packet/sctp.h"
#include "tools/scenario/packet_describe.h"

namespace nf::scenario {
namespace {

using Bytes = std::span<const uint8_t>;

std::vector<uint8_t> copy(Bytes b) { return {b.begin(), b.end()}; }

// The payload of a packet that is not there to its end: what is missing is taken to go on counting when what is there
// does.
std::vector<uint8_t> known_payload(Bytes there, size_t whole) {
  const std::vector<uint8_t> counting = counting_payload(std::max(there.size(), whole));
  if (!std::equal(there.begin(), there.end(), counting.begin())) return copy(there);
  return counting;
}

// Where the checksum of a transport stands in it.
size_t sum_offset(Form form) { return form == Form::kTcp ? 16 : form == Form::kUdp ? 6 : 2; }

class Describer {
 public:
  PacketSpec ip(Bytes b, bool look_inside) {
    const Ipv4Header* h = view<Ipv4Header>(b);
    if (h == nullptr) return raw(b);
    spec_.protocol = h->protocol;
    spec_.source = Value::of(h->source.host());
    spec_.destination = Value::of(h->destination.host());
    spec_[Field::kTtl] = Value::of(h->ttl);
    spec_[Field::kTos] = Value::of(h->tos);
    spec_[Field::kIpId] = Value::of(h->id.host());
    spec_.df = h->dont_fragment();
    spec_.mf = h->more_fragments();
    if (h->fragment_offset() != 0) spec_[Field::kFragment] = Value::of(h->fragment_offset() * 8);
    if (h->version() != 4) spec_[Field::kVersion] = Value::of(h->version());

    size_t header = h->header_length();
    if (header < sizeof *h || header > b.size()) {
      spec_[Field::kIhl] = Value::of(h->version_ihl & 15u);
      header = sizeof *h;
    }
    if (header > sizeof *h) spec_.ip_options = copy(b.subspan(sizeof *h, header - sizeof *h));
    if (checksum_fold(checksum_add(b.first(header))) != 0xffff) spec_[Field::kIpSum] = Value::of(h->checksum.host());

    size_t length = h->total_length.host();
    if (length < header) {
      spec_[Field::kTotal] = Value::of(h->total_length.host());
      length = b.size();
    }
    if (length > b.size())
      spec_[Field::kCut] = Value::of(static_cast<uint32_t>(b.size()));
    else if (length < b.size())
      spec_[Field::kPad] = Value::of(static_cast<uint32_t>(b.size() - length));
    transport(b.subspan(header, std::min(length, b.size()) - header), length - header, look_inside);
    sums(b.first(std::min(length, b.size())), header);
    return std::move(spec_);
  }

  static PacketSpec raw(Bytes b) {
    PacketSpec spec;
    spec.bytes = copy(b);
    return spec;
  }

 private:
  // `whole`: bytes there should be.
  void transport(Bytes b, size_t whole, bool look_inside) {
    const bool first = !spec_[Field::kFragment];
    spec_.form = Form::kOther;
    if (first && look_inside) {
      if (spec_.protocol == kProtoTcp)
        tcp(b, whole);
      else if (spec_.protocol == kProtoUdp || spec_.protocol == kProtoUdplite)
        udp(b, whole);
      else if (spec_.protocol == kProtoSctp)
        sctp(b, whole);
      else if (spec_.protocol == kProtoIcmp)
        icmp(b, whole);
    }
    if (spec_.form == Form::kOther) spec_.payload = known_payload(b, whole);
  }

  void tcp(Bytes b, size_t whole) {
    const TcpHeader* h = view<TcpHeader>(b);
    // What an ICMP error quotes at least: the ports and the sequence number (RFC 792).
    if (h == nullptr && (b.size() < 8 || whole < sizeof *h)) return;
    const size_t header = h == nullptr ? sizeof *h : h->header_length();
    if (header < sizeof *h || header > whole) return;
    spec_.form = Form::kTcp;
    spec_.source_port = Value::of(view<Be16>(b)->host());
    spec_.destination_port = Value::of(view<Be16>(b, 2)->host());
    spec_[Field::kSequence] = Value::of(view<Be32>(b, 4)->host());
    if (h == nullptr) {
      spec_.payload = counting_payload(whole - header);
      return;
    }
    spec_[Field::kAcknowledgment] = Value::of(h->acknowledgment.host());
    spec_.tcp_flags = h->flags;
    spec_[Field::kWindow] = Value::of(h->window.host());
    spec_[Field::kUrgent] = Value::of(h->urgent.host());
    const size_t options_end = std::min(header, b.size());
    std::vector<uint8_t> options = copy(b.subspan(sizeof *h, options_end - sizeof *h));
    options.resize(header - sizeof *h);
    spec_.tcp_options = std::move(options);
    spec_.payload = known_payload(b.subspan(options_end), whole - header);
  }

  void udp(Bytes b, size_t whole) {
    const UdpHeader* h = view<UdpHeader>(b);
    if (h == nullptr) return;
    spec_.form = Form::kUdp;
    spec_.source_port = Value::of(h->source.host());
    spec_.destination_port = Value::of(h->destination.host());
    if (h->length.host() != whole) spec_[Field::kUdpLength] = Value::of(h->length.host());
    spec_.payload = known_payload(b.subspan(sizeof *h), whole - sizeof *h);
  }

  void sctp(Bytes b, size_t whole) {
    const SctpHeader* h = view<SctpHeader>(b);
    if (h == nullptr) return;
    spec_.form = Form::kSctp;
    spec_.source_port = Value::of(h->source.host());
    spec_.destination_port = Value::of(h->destination.host());
    spec_[Field::kVtag] = Value::of(h->vtag.host());
    spec_.payload = known_payload(b.subspan(sizeof *h), whole - sizeof *h);
    if (b.size() == whole && h->checksum != sctp_checksum(b)) {
      Be32 sum;
      std::memcpy(&sum, h->checksum.data(), sizeof sum);
      spec_[Field::kSum] = Value::of(sum.host());
    }
  }

  void icmp(Bytes b, size_t whole) {
    const IcmpHeader* h = view<IcmpHeader>(b);
    if (h == nullptr) return;
    spec_.form = Form::kIcmp;
    spec_.icmp_type = h->type;
    spec_.icmp_code = h->code;
    const uint32_t info = h->info().host();
    if (icmp_is_query(h->type)) {
      spec_[Field::kIcmpId] = Value::of(h->id.host());
      spec_[Field::kIcmpSequence] = Value::of(h->sequence.host());
    } else if (h->type == kIcmpUnreachable && h->code == 4 && info <= UINT16_MAX) {
      spec_[Field::kMtu] = Value::of(info);
    } else if (h->type == kIcmpRedirect) {
      spec_[Field::kGateway] = Value::of(info);
    } else if (h->type == kIcmpParameterProblem && (info & 0xffffff) == 0) {
      spec_[Field::kPointer] = Value::of(info >> 24);
    } else {
      spec_[Field::kInfo] = Value::of(info);
    }
    const Bytes rest = b.subspan(sizeof *h);
    if (icmp_is_error(h->type) && rest.size() >= sizeof(Ipv4Header) && b.size() == whole)
      spec_.quote = std::make_shared<const PacketSpec>(Describer().ip(rest, true));
    else
      spec_.payload = known_payload(rest, whole - sizeof *h);
  }

  // What the sums should be is found by building the packet with right ones; of ICMP, whose quote may be cut where no
  // description ends, by summing it.
  void sums(Bytes b, size_t header) {
    if (spec_.form == Form::kOther || spec_.form == Form::kSctp) return;
    const Be16* there = view<Be16>(b, header + sum_offset(spec_.form));
    if (there == nullptr) return;
    if (spec_.form == Form::kIcmp && !spec_[Field::kCut] && !spec_[Field::kTotal]) {
      if (checksum_fold(checksum_add(b.subspan(header))) != 0xffff) spec_[Field::kSum] = Value::of(there->host());
      return;
    }
    PacketSpec right = spec_;
    right[Field::kVersion].reset();
    right[Field::kIhl].reset();
    right[Field::kTotal].reset();
    right[Field::kCut].reset();
    const Result<std::vector<uint8_t>> built = build_packet(right, Layer::kIp);
    if (!built) return;
    const Be16* expected = view<Be16>(std::span<const uint8_t>(*built), header + sum_offset(spec_.form));
    if (expected == nullptr || *expected == *there) return;
    if (spec_.protocol == kProtoUdp && *there == Be16{})
      spec_.no_sum = true;
    else
      spec_[Field::kSum] = Value::of(there->host());
  }

  PacketSpec spec_;
};

PacketSpec describe_arp(const EthernetHeader& ethernet, Bytes b) {
  const ArpHeader* arp = view<ArpHeader>(b);
  PacketSpec spec;
  if (arp == nullptr || (arp->operation != be16(kArpRequest) && arp->operation != be16(kArpReply)))
    return Describer::raw({});
  const bool request = arp->operation == be16(kArpRequest);
  spec.form = request ? Form::kArpRequest : Form::kArpReply;
  spec.source = Value::of(arp->sender_ip.host());
  spec.destination = Value::of(arp->target_ip.host());
  if (!request) spec.arp_mac = arp->sender_mac;
  spec.mac_source = ethernet.source;
  spec.mac_destination = ethernet.destination;
  if (b.size() > sizeof *arp) spec[Field::kPad] = Value::of(static_cast<uint32_t>(b.size() - sizeof *arp));
  return spec;
}

void drop_if(std::optional<Value>& v, uint32_t unset) {
  if (v && *v == Value::of(unset)) v.reset();
}

}  // namespace

PacketSpec describe_packet(Bytes bytes, Layer layer, Inside inside) {
  const bool look_inside = inside == Inside::kTransport;
  if (layer == Layer::kIp) return Describer().ip(bytes, look_inside);
  const EthernetHeader* ethernet = view<EthernetHeader>(bytes);
  if (ethernet == nullptr) return Describer::raw(bytes);
  size_t header = sizeof *ethernet;
  Be16 type = ethernet->type;
  std::optional<Value> vlan;
  if (type == be16(kEtherVlan) && bytes.size() >= header + 4) {
    vlan = Value::of(view<Be16>(bytes, header)->host());
    type = *view<Be16>(bytes, header + 2);
    header += 4;
  }
  PacketSpec spec;
  if (type == be16(kEtherArp))
    spec = describe_arp(*ethernet, bytes.subspan(header));
  else if (type == be16(kEtherIpv4))
    spec = Describer().ip(bytes.subspan(header), look_inside);
  if (spec.form == Form::kBytes) return Describer::raw(bytes);
  spec.mac_source = ethernet->source;
  spec.mac_destination = ethernet->destination;
  spec[Field::kVlan] = vlan;
  return spec;
}

PacketSpec describe_packet(Bytes bytes, Layer layer) { return describe_packet(bytes, layer, Inside::kTransport); }

PacketSpec without_defaults(PacketSpec s) {
  drop_if(s[Field::kTtl], 64);
  drop_if(s[Field::kTos], 0);
  drop_if(s[Field::kWindow], 64240);
  drop_if(s[Field::kUrgent], 0);
  drop_if(s[Field::kVtag], 0);
  drop_if(s[Field::kInfo], 0);
  if (s.tcp_options && s.tcp_options->empty()) s.tcp_options.reset();
  if (s.payload && s.payload->empty()) s.payload.reset();
  if (s.quote != nullptr) s.quote = std::make_shared<const PacketSpec>(without_defaults(*s.quote));
  return s;
}

std::string packet_text(Bytes bytes, Layer layer) {
  for (const Inside inside : {Inside::kTransport, Inside::kNothing}) {
    const std::string text = print_packet(without_defaults(describe_packet(bytes, layer, inside)));
    const Result<PacketSpec> again = parse_packet(text);
    if (!again) continue;
    const Result<std::vector<uint8_t>> built = build_packet(*again, layer);
    if (built && std::equal(built->begin(), built->end(), bytes.begin(), bytes.end())) return text;
  }
  return "frame " + hex_text(bytes);
}

// Of a payload nobody wants to read more in a list of what came out.
constexpr size_t kSummaryBytes = 24;

std::string packet_summary(Bytes bytes, Layer layer) {
  PacketSpec spec = without_defaults(describe_packet(bytes, layer));
  const size_t length = spec.payload ? spec.payload->size() : 0;
  if (length > kSummaryBytes) spec.payload->resize(kSummaryBytes);
  std::string text = print_packet(spec);
  if (length > kSummaryBytes && !text.empty()) {
    const std::string shown = hex_text(*spec.payload);
    const size_t at = text.find(shown);
    // What prints shorter than its bytes needs no cut: `len N`.
    if (at == std::string::npos) return print_packet(without_defaults(describe_packet(bytes, layer)));
    text.insert(at + shown.size(), strf("...(%zu bytes)", length));
  }
  return text;
}

}  // namespace nf::scenario
