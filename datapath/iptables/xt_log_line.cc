#include "datapath/iptables/xt_log_line.h"

#include <cstdarg>
#include <cstdio>

#include "datapath/hook/device.h"

namespace nf::ipt {
namespace {

constexpr uint16_t kIpCongestionBit = 0x8000;  // IP_CE, the reserved bit of the flags
constexpr uint8_t kTosMask = 0x1e;
constexpr uint8_t kPrecedenceMask = 0xe0;
constexpr uint8_t kTcpReserved = 0x0e;  // of the byte with the data offset; bit 0 is AE since 6.15
constexpr uint8_t kTcpAe = 0x01;
constexpr uint8_t kProtoEsp = 50, kProtoAh = 51;
constexpr unsigned kCodeFragmentationNeeded = 4;

struct AhHeader {
  uint8_t next, length;
  Be16 reserved;
  Be32 spi, sequence;
};
struct EspHeader {
  Be32 spi, sequence;
};
static_assert(sizeof(AhHeader) == 12 && sizeof(EspHeader) == 8);

void add_address(LogLine& line, const char* name, Be32 address) {
  const uint32_t a = address.host();
  line.add("%s=%u.%u.%u.%u ", name, a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

void add_mac(LogLine& line, const char* name, const MacAddress& m) {
  line.add("%s=%02x:%02x:%02x:%02x:%02x:%02x ", name, m[0], m[1], m[2], m[3], m[4], m[5]);
}

// Bytes of the packet from its IPv4 header on. Offsets may point behind its end, as a header in an ICMP error may
// claim any length; the byte counts printed then wrap as the kernel's unsigned do.
struct Dump {
  LogLine& line;
  std::span<const uint8_t> bytes;
  uint8_t flags;

  unsigned left(unsigned offset) const { return static_cast<unsigned>(bytes.size()) - offset; }
  void incomplete(unsigned offset) { line.add("INCOMPLETE [%u bytes] ", left(offset)); }
  // "OPT (0204...) "; false: not all there.
  bool options(size_t offset, size_t size, const char* missing) {
    if (offset > bytes.size() || bytes.size() - offset < size) {
      line.add("%s", missing);
      return false;
    }
    line.add("OPT (");
    line.add_hex(bytes.data() + offset, size);
    line.add(") ");
    return true;
  }

  bool tcp(unsigned offset, bool fragment);
  bool udp(uint8_t protocol, unsigned offset, bool fragment);
  void icmp(unsigned offset, bool fragment, bool inner);
  // False: nothing may follow (UID, MARK). twin: dump_ipv4_packet returning early
  bool ipv4(unsigned offset);
};

bool Dump::tcp(unsigned offset, bool fragment) {
  line.add("PROTO=TCP ");
  if (fragment) return true;
  const TcpHeader* th = view<TcpHeader>(bytes, offset);
  if (th == nullptr) {
    incomplete(offset);
    return false;
  }
  line.add("SPT=%u DPT=%u ", th->source.host(), th->destination.host());
  if ((flags & kLogTcpSequence) != 0) line.add("SEQ=%u ACK=%u ", th->sequence.host(), th->acknowledgment.host());
  line.add("WINDOW=%u ", th->window.host());
  // The kernel shifts the three bits down from where six used to be.
  line.add("RES=0x%02x ", (th->offset_reserved & kTcpReserved) << 2);
  if ((th->offset_reserved & kTcpAe) != 0) line.add("AE ");
  constexpr struct {
    uint8_t bit;
    const char* name;
  } kFlags[] = {{kTcpCwr, "CWR "}, {kTcpEce, "ECE "}, {kTcpUrg, "URG "}, {kTcpAck, "ACK "},
                {kTcpPsh, "PSH "}, {kTcpRst, "RST "}, {kTcpSyn, "SYN "}, {kTcpFin, "FIN "}};
  for (const auto& f : kFlags) {
    if ((th->flags & f.bit) != 0) line.add("%s", f.name);
  }
  line.add("URGP=%u ", th->urgent.host());
  if ((flags & kLogTcpOptions) != 0 && th->header_length() > sizeof(TcpHeader))
    return options(offset + sizeof(TcpHeader), th->header_length() - sizeof(TcpHeader), "OPT (TRUNCATED)");
  return true;
}

bool Dump::udp(uint8_t protocol, unsigned offset, bool fragment) {
  line.add(protocol == kProtoUdp ? "PROTO=UDP " : "PROTO=UDPLITE ");
  if (fragment) return true;
  const UdpHeader* uh = view<UdpHeader>(bytes, offset);
  if (uh == nullptr) {
    incomplete(offset);
    return false;
  }
  line.add("SPT=%u DPT=%u LEN=%u ", uh->source.host(), uh->destination.host(), uh->length.host());
  return true;
}

// Bytes of ICMP a type must have to be shown further; 0: no demand.
unsigned required_length(uint8_t type) {
  switch (type) {
    case kIcmpEchoReply:
    case kIcmpEcho:
      return 4;
    case kIcmpUnreachable:
    case kIcmpSourceQuench:
    case kIcmpRedirect:
    case kIcmpTimeExceeded:
    case kIcmpParameterProblem:
      return sizeof(IcmpHeader) + sizeof(Ipv4Header);
    case kIcmpTimestamp:
    case kIcmpTimestampReply:
      return 20;
    case kIcmpAddress:
    case kIcmpAddressReply:
      return 12;
    default:
      return 0;
  }
}

void Dump::icmp(unsigned offset, bool fragment, bool inner) {
  line.add("PROTO=ICMP ");
  if (fragment) return;
  const IcmpHeader* ich = view<IcmpHeader>(bytes, offset);
  if (ich == nullptr) {
    incomplete(offset);
    return;
  }
  line.add("TYPE=%u CODE=%u ", ich->type, ich->code);
  if (left(offset) < required_length(ich->type)) {
    incomplete(offset);
    return;
  }
  switch (ich->type) {
    case kIcmpEchoReply:
    case kIcmpEcho:
      line.add("ID=%u SEQ=%u ", ich->id.host(), ich->sequence.host());
      break;
    case kIcmpParameterProblem:
      line.add("PARAMETER=%u ", ich->info().host() >> 24);
      break;
    case kIcmpRedirect:
      add_address(line, "GATEWAY", ich->info());
      [[fallthrough]];
    case kIcmpUnreachable:
    case kIcmpSourceQuench:
    case kIcmpTimeExceeded:
      if (!inner) {
        line.add("[");
        ipv4(offset + sizeof(IcmpHeader));
        line.add("] ");
      }
      if (ich->type == kIcmpUnreachable && ich->code == kCodeFragmentationNeeded)
        line.add("MTU=%u ", ich->sequence.host());
      break;
    default:
      break;
  }
}

bool Dump::ipv4(unsigned offset) {
  const bool inner = offset != 0;
  const Ipv4Header* ih = view<Ipv4Header>(bytes, offset);
  if (ih == nullptr) {
    line.add("TRUNCATED");
    return false;
  }
  add_address(line, "SRC", ih->source);
  add_address(line, "DST", ih->destination);
  line.add("LEN=%u TOS=0x%02X PREC=0x%02X TTL=%u ID=%u ", ih->total_length.host(), ih->tos & kTosMask,
           ih->tos & kPrecedenceMask, ih->ttl, ih->id.host());
  if ((ih->fragment.host() & kIpCongestionBit) != 0) line.add("CE ");
  if (ih->dont_fragment()) line.add("DF ");
  if (ih->more_fragments()) line.add("MF ");
  const bool fragment = ih->fragment_offset() != 0;
  if (fragment) line.add("FRAG:%u ", ih->fragment_offset());

  if ((flags & kLogIpOptions) != 0 && ih->header_length() > sizeof(Ipv4Header) &&
      !options(offset + sizeof(Ipv4Header), ih->header_length() - sizeof(Ipv4Header), "TRUNCATED"))
    return false;

  const unsigned next = offset + ih->header_length();
  switch (ih->protocol) {
    case kProtoTcp:
      return tcp(next, fragment);
    case kProtoUdp:
    case kProtoUdplite:
      return udp(ih->protocol, next, fragment);
    case kProtoIcmp:
      icmp(next, fragment, inner);
      return true;
    case kProtoAh:
      if (fragment) return true;  // not even its name, in the kernel
      line.add("PROTO=AH ");
      if (const AhHeader* ah = view<AhHeader>(bytes, next))
        line.add("SPI=0x%x ", ah->spi.host());
      else
        incomplete(next);
      return true;
    case kProtoEsp:
      line.add("PROTO=ESP ");
      if (fragment) return true;
      if (const EspHeader* esp = view<EspHeader>(bytes, next))
        line.add("SPI=0x%x ", esp->spi.host());
      else
        incomplete(next);
      return true;
    default:
      line.add("PROTO=%u ", ih->protocol);
      return true;
  }
}

// twin: dump_mac_header
void add_link_header(LogLine& line, uint8_t flags, const Packet& p, const Device& dev) {
  const bool ethernet = dev.kind == DeviceKind::kEthernet || dev.kind == DeviceKind::kBridge;
  if ((flags & kLogMacDecode) != 0 && ethernet) {
    if (!p.has_mac_header()) return;
    add_mac(line, "MACSRC", p.mac().source);
    add_mac(line, "MACDST", p.mac().destination);
    line.add("MACPROTO=%04x ", p.mac().type.host());
    return;
  }
  line.add("MAC=");
  // A packet on lo always has an Ethernet header in the kernel: no addresses and the EtherType.
  constexpr uint8_t kLoopbackHeader[sizeof(EthernetHeader)] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0};
  const uint8_t* header = nullptr;
  if (p.has_mac_header() && dev.kind != DeviceKind::kRawIp)
    header = reinterpret_cast<const uint8_t*>(&p.mac());
  else if (dev.kind == DeviceKind::kLoopback)
    header = kLoopbackHeader;
  for (size_t i = 0; header != nullptr && i < sizeof(EthernetHeader); ++i)
    line.add(i == 0 ? "%02x" : ":%02x", header[i]);
  line.add(" ");
}

}  // namespace

void LogLine::add(const char* format, ...) {
  if (full_) return;
  va_list args;
  va_start(args, format);
  const int n = std::vsnprintf(buffer_ + count_, kCapacity + 1 - count_, format, args);
  va_end(args);
  if (n < 0) return;
  full_ = static_cast<size_t>(n) > kCapacity - count_;
  count_ = full_ ? kCapacity : count_ + static_cast<size_t>(n);
}

void LogLine::add_hex(const uint8_t* bytes, size_t count) {
  for (size_t i = 0; i < count; ++i) add("%02X", bytes[i]);
}

void add_packet(LogLine& line, std::string_view prefix, uint8_t flags, const Packet& p, const HookState& state) {
  line.add("%.*sIN=%s OUT=%s ", static_cast<int>(prefix.size()), prefix.data(),
           state.in != nullptr ? state.in->name.c_str() : "", state.out != nullptr ? state.out->name.c_str() : "");
  if (p.phys_in != nullptr && p.phys_in != state.in) line.add("PHYSIN=%s ", p.phys_in->name.c_str());
  if (p.phys_out != nullptr && p.phys_out != state.out) line.add("PHYSOUT=%s ", p.phys_out->name.c_str());
  if (state.in != nullptr) add_link_header(line, flags, p, p.dev != nullptr ? *p.dev : *state.in);
  Dump dump{line, p.bytes(), flags};
  if (dump.ipv4(0) && p.mark != 0) line.add("MARK=0x%x ", p.mark);
}

}  // namespace nf::ipt
