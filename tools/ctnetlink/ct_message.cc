#include "tools/ctnetlink/ct_message.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "datapath/packet/headers.h"

namespace nf::ctnetlink {
namespace {

using ct::Tuple;

// The attributes of a message, or of one that nests, by type.
class Attributes {
 public:
  explicit Attributes(const nlmsghdr& m)
      : Attributes(nlmsg_attrdata(&m, sizeof(nfgenmsg)), nlmsg_attrlen(&m, sizeof(nfgenmsg))) {}
  explicit Attributes(nlattr* nest)
      : Attributes(nest != nullptr ? static_cast<nlattr*>(nla_data(nest)) : nullptr,
                   nest != nullptr ? nla_len(nest) : 0) {}
  nlattr* operator[](int type) const { return at_[type]; }
  explicit operator bool() const { return there_; }

  uint8_t u8(int type) const { return value<uint8_t>(type); }
  Be16 be16(int type) const { return value<Be16>(type); }
  Be32 be32(int type) const { return value<Be32>(type); }
  uint16_t u16(int type) const { return be16(type).host(); }
  uint32_t u32(int type) const { return be32(type).host(); }
  uint64_t u64(int type) const { return be64toh(value<uint64_t>(type)); }
  std::optional<std::string> text(int type) const {
    if (at_[type] == nullptr) return std::nullopt;
    const char* p = static_cast<const char*>(nla_data(at_[type]));
    return std::string(p, strnlen(p, static_cast<size_t>(nla_len(at_[type]))));
  }

 private:
  static constexpr int kMax = 63;
  Attributes(nlattr* head, int length) : there_(head != nullptr) {
    if (head != nullptr) nla_parse(at_, kMax, head, length, nullptr);
  }
  template <class T>
  T value(int type) const {
    T v{};
    if (at_[type] != nullptr && nla_len(at_[type]) >= static_cast<int>(sizeof v))
      std::memcpy(&v, nla_data(at_[type]), sizeof v);
    return v;
  }
  nlattr* at_[kMax + 1] = {};
  bool there_;
};

bool read_tuple(nlattr* nest, Tuple& t) {
  const Attributes parts(nest);
  if (!parts) return false;
  const Attributes ip(parts[CTA_TUPLE_IP]), proto(parts[CTA_TUPLE_PROTO]);
  if (ip[CTA_IP_V4_SRC] == nullptr || ip[CTA_IP_V4_DST] == nullptr) return false;
  t.source = ip.be32(CTA_IP_V4_SRC);
  t.destination = ip.be32(CTA_IP_V4_DST);
  t.protocol = proto.u8(CTA_PROTO_NUM);
  t.zone = parts.u16(CTA_TUPLE_ZONE);
  if (t.protocol == kProtoIcmp) {
    t.source_id = proto.be16(CTA_PROTO_ICMP_ID);
    t.set_icmp(proto.u8(CTA_PROTO_ICMP_TYPE), proto.u8(CTA_PROTO_ICMP_CODE));
  } else {
    t.source_id = proto.be16(CTA_PROTO_SRC_PORT);
    t.destination_id = proto.be16(CTA_PROTO_DST_PORT);
  }
  return true;
}

void read_protoinfo(nlattr* nest, ct::EntryState& s) {
  const Attributes info(nest);
  if (const Attributes tcp(info[CTA_PROTOINFO_TCP]); tcp) {
    ct::TcpEntry e;
    e.state = static_cast<ct::TcpState>(tcp.u8(CTA_PROTOINFO_TCP_STATE));
    constexpr int kFlags[] = {CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, CTA_PROTOINFO_TCP_FLAGS_REPLY};
    constexpr int kScale[] = {CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, CTA_PROTOINFO_TCP_WSCALE_REPLY};
    for (size_t d = 0; d < 2; ++d) {
      // struct nf_ct_tcp_flags: flags, mask
      if (tcp[kFlags[d]] != nullptr) e.flags[d] = ct::TcpEntry::Flags{tcp.u8(kFlags[d]), 0};
      if (tcp[kScale[d]] != nullptr) e.scale[d] = tcp.u8(kScale[d]);
    }
    s.tcp = e;
  }
  if (const Attributes sctp(info[CTA_PROTOINFO_SCTP]); sctp) {
    ct::SctpEntry e;
    e.state = static_cast<ct::SctpState>(sctp.u8(CTA_PROTOINFO_SCTP_STATE));
    if (sctp[CTA_PROTOINFO_SCTP_VTAG_ORIGINAL] != nullptr) e.vtag[0] = sctp.be32(CTA_PROTOINFO_SCTP_VTAG_ORIGINAL);
    if (sctp[CTA_PROTOINFO_SCTP_VTAG_REPLY] != nullptr) e.vtag[1] = sctp.be32(CTA_PROTOINFO_SCTP_VTAG_REPLY);
    s.sctp = e;
  }
}

ct::Counter read_counter(nlattr* nest) {
  const Attributes c(nest);
  return {c.u64(CTA_COUNTERS_PACKETS), c.u64(CTA_COUNTERS_BYTES)};
}

ct::SeqAdjust read_seqadj(nlattr* nest) {
  const Attributes a(nest);
  return {a.u32(CTA_SEQADJ_CORRECTION_POS), static_cast<int32_t>(a.u32(CTA_SEQADJ_OFFSET_BEFORE)),
          static_cast<int32_t>(a.u32(CTA_SEQADJ_OFFSET_AFTER))};
}

bool is_ipv4(const nlmsghdr& m) {
  return m.nlmsg_len >= NLMSG_LENGTH(sizeof(nfgenmsg)) &&
         static_cast<const nfgenmsg*>(NLMSG_DATA(&m))->nfgen_family == AF_INET;
}

// --- writing; the first failure is remembered
class Writer {
 public:
  explicit Writer(nl_msg* m) : m_(m) {}
  bool ok() const { return ok_; }
  void put(int type, const void* data, int length) { ok_ = nla_put(m_, type, length, data) == 0 && ok_; }
  void u8(int type, uint8_t v) { put(type, &v, sizeof v); }
  void be16(int type, Be16 v) { put(type, &v, sizeof v); }
  void be32(int type, Be32 v) { put(type, &v, sizeof v); }
  void u16(int type, uint16_t v) { be16(type, nf::be16(v)); }
  void u32(int type, uint32_t v) { be32(type, nf::be32(v)); }
  void text(int type, const std::string& s) { put(type, s.c_str(), static_cast<int>(s.size() + 1)); }
  template <class Body>
  void nest(int type, Body body) {
    nlattr* const n = nla_nest_start(m_, type | NLA_F_NESTED);
    ok_ = n != nullptr && ok_;
    if (n == nullptr) return;
    body();
    nla_nest_end(m_, n);
  }

 private:
  nl_msg* m_;
  bool ok_ = true;
};

void put_tuple(Writer& w, int type, const Tuple& t, uint16_t zone) {
  w.nest(type, [&] {
    w.nest(CTA_TUPLE_IP, [&] {
      w.be32(CTA_IP_V4_SRC, t.source);
      w.be32(CTA_IP_V4_DST, t.destination);
    });
    w.nest(CTA_TUPLE_PROTO, [&] {
      w.u8(CTA_PROTO_NUM, t.protocol);
      switch (t.protocol) {
        case kProtoIcmp:
          w.u8(CTA_PROTO_ICMP_TYPE, t.icmp_type());
          w.u8(CTA_PROTO_ICMP_CODE, t.icmp_code());
          w.be16(CTA_PROTO_ICMP_ID, t.source_id);
          break;
        case kProtoTcp:
        case kProtoUdp:
        case kProtoUdplite:
        case kProtoSctp:
        case kProtoGre:
          w.be16(CTA_PROTO_SRC_PORT, t.source_id);
          w.be16(CTA_PROTO_DST_PORT, t.destination_id);
          break;
        default:
          break;
      }
    });
    if (zone != 0) w.u16(CTA_TUPLE_ZONE, zone);
  });
}

// A zone of both directions is told beside the tuples, of one direction in its tuple.
void put_tuples(Writer& w, const Tuple& original, const Tuple& reply) {
  const bool both = original.zone == reply.zone;
  put_tuple(w, CTA_TUPLE_ORIG, original, both ? uint16_t{0} : original.zone);
  put_tuple(w, CTA_TUPLE_REPLY, reply, both ? uint16_t{0} : reply.zone);
  if (both && original.zone != 0) w.u16(CTA_ZONE, original.zone);
}

void put_nat(Writer& w, int type, const ct::NatHalf& half) {
  w.nest(type, [&] {
    if (half.address) {
      w.be32(CTA_NAT_V4_MINIP, *half.address);
      w.be32(CTA_NAT_V4_MAXIP, *half.address);
    }
    if (half.port) {
      w.nest(CTA_NAT_PROTO, [&] {
        w.be16(CTA_PROTONAT_PORT_MIN, *half.port);
        w.be16(CTA_PROTONAT_PORT_MAX, *half.port);
      });
    }
  });
}

void put_protoinfo(Writer& w, const ct::EntryState& s) {
  if (s.tcp) {
    w.nest(CTA_PROTOINFO, [&] {
      w.nest(CTA_PROTOINFO_TCP, [&] {
        const auto flags = [&](int type, const std::optional<ct::TcpEntry::Flags>& f) {
          if (!f) return;
          const uint8_t v[] = {f->value, f->mask};  // struct nf_ct_tcp_flags
          w.put(type, v, sizeof v);
        };
        if (s.tcp->state) w.u8(CTA_PROTOINFO_TCP_STATE, static_cast<uint8_t>(*s.tcp->state));
        flags(CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, s.tcp->flags[0]);
        flags(CTA_PROTOINFO_TCP_FLAGS_REPLY, s.tcp->flags[1]);
        if (s.tcp->scale[0]) w.u8(CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, *s.tcp->scale[0]);
        if (s.tcp->scale[1]) w.u8(CTA_PROTOINFO_TCP_WSCALE_REPLY, *s.tcp->scale[1]);
      });
    });
  }
  if (s.sctp) {
    w.nest(CTA_PROTOINFO, [&] {
      w.nest(CTA_PROTOINFO_SCTP, [&] {
        if (s.sctp->state) w.u8(CTA_PROTOINFO_SCTP_STATE, static_cast<uint8_t>(*s.sctp->state));
        if (s.sctp->vtag[0]) w.be32(CTA_PROTOINFO_SCTP_VTAG_ORIGINAL, *s.sctp->vtag[0]);
        if (s.sctp->vtag[1]) w.be32(CTA_PROTOINFO_SCTP_VTAG_REPLY, *s.sctp->vtag[1]);
      });
    });
  }
}

void put_seqadj(Writer& w, int type, const ct::SeqAdjust& a) {
  w.nest(type, [&] {
    w.u32(CTA_SEQADJ_CORRECTION_POS, a.correction_pos);
    w.u32(CTA_SEQADJ_OFFSET_BEFORE, static_cast<uint32_t>(a.offset_before));
    w.u32(CTA_SEQADJ_OFFSET_AFTER, static_cast<uint32_t>(a.offset_after));
  });
}

}  // namespace

bool read_entry(const nlmsghdr& message, ct::EntryState& s, Told* told) {
  s = ct::EntryState();
  if (!is_ipv4(message)) return false;
  const Attributes a(message);
  if (!read_tuple(a[CTA_TUPLE_ORIG], s.tuple[0]) || !read_tuple(a[CTA_TUPLE_REPLY], s.tuple[1])) return false;
  s.tuple[1].direction = CtDirection::kReply;
  if (a[CTA_ZONE] != nullptr) s.tuple[0].zone = s.tuple[1].zone = a.u16(CTA_ZONE);
  if (a[CTA_STATUS] != nullptr) s.status = a.u32(CTA_STATUS);
  if (a[CTA_TIMEOUT] != nullptr) s.timeout = a.u32(CTA_TIMEOUT);
  if (a[CTA_MARK] != nullptr) s.mark = a.u32(CTA_MARK);
  if (a[CTA_LABELS] != nullptr) {
    // Bit n of an array of longs, as the machine has them.
    s.labels.emplace();
    const auto n = std::min(sizeof s.labels->words, static_cast<size_t>(nla_len(a[CTA_LABELS])));
    std::memcpy(s.labels->words.data(), nla_data(a[CTA_LABELS]), n);
  }
  read_protoinfo(a[CTA_PROTOINFO], s);
  if (const Attributes help(a[CTA_HELP]); help) s.helper = help.text(CTA_HELP_NAME);
  if (a[CTA_SEQ_ADJ_ORIG] != nullptr && a[CTA_SEQ_ADJ_REPLY] != nullptr)
    s.seqadj = {read_seqadj(a[CTA_SEQ_ADJ_ORIG]), read_seqadj(a[CTA_SEQ_ADJ_REPLY])};
  if (Tuple master; read_tuple(a[CTA_TUPLE_MASTER], master)) s.master = master;
  if (a[CTA_COUNTERS_ORIG] != nullptr && a[CTA_COUNTERS_REPLY] != nullptr)
    s.counters = {read_counter(a[CTA_COUNTERS_ORIG]), read_counter(a[CTA_COUNTERS_REPLY])};
  const Attributes stamp(a[CTA_TIMESTAMP]);
  if (stamp) s.started = static_cast<Time>(stamp.u64(CTA_TIMESTAMP_START));
  s.id = a.u32(CTA_ID);
  s.use = a.u32(CTA_USE);
  if (told != nullptr) {
    told->protoinfo = a[CTA_PROTOINFO] != nullptr;
    told->mark = a[CTA_MARK] != nullptr;
    told->labels = a[CTA_LABELS] != nullptr;
    told->helper = a[CTA_HELP] != nullptr;
    told->stopped = stamp && stamp[CTA_TIMESTAMP_STOP] != nullptr;
    told->stop = told->stopped ? static_cast<Time>(stamp.u64(CTA_TIMESTAMP_STOP)) : 0;
  }
  return true;
}

bool put_entry(nl_msg* message, const ct::EntryState& s) {
  Writer w(message);
  put_tuples(w, s.tuple[0], s.tuple[1]);
  if (s.status) w.u32(CTA_STATUS, *s.status);
  if (s.timeout) w.u32(CTA_TIMEOUT, *s.timeout);
  if (s.mark) w.u32(CTA_MARK, *s.mark);
  if (s.labels) w.put(CTA_LABELS, s.labels->words.data(), sizeof s.labels->words);
  put_protoinfo(w, s);
  if (s.helper) w.nest(CTA_HELP, [&] { w.text(CTA_HELP_NAME, *s.helper); });
  if (s.seqadj) {
    put_seqadj(w, CTA_SEQ_ADJ_ORIG, (*s.seqadj)[0]);
    put_seqadj(w, CTA_SEQ_ADJ_REPLY, (*s.seqadj)[1]);
  }
  if (s.master) put_tuple(w, CTA_TUPLE_MASTER, *s.master, 0);
  if (s.source_nat) put_nat(w, CTA_NAT_SRC, *s.source_nat);
  if (s.destination_nat) put_nat(w, CTA_NAT_DST, *s.destination_nat);
  return w.ok();
}

bool put_key(nl_msg* message, const Tuple& original, uint16_t reply_zone) {
  Writer w(message);
  const bool both = original.zone == reply_zone;
  put_tuple(w, CTA_TUPLE_ORIG, original, both ? uint16_t{0} : original.zone);
  if (both && reply_zone != 0) w.u16(CTA_ZONE, reply_zone);
  return w.ok();
}

bool read_expectation(const nlmsghdr& message, ct::ExpectState& e) {
  e = ct::ExpectState();
  if (!is_ipv4(message)) return false;
  const Attributes a(message);
  if (!read_tuple(a[CTA_EXPECT_TUPLE], e.tuple) || !read_tuple(a[CTA_EXPECT_MASK], e.mask) ||
      !read_tuple(a[CTA_EXPECT_MASTER], e.master))
    return false;
  e.zone = a.u16(CTA_EXPECT_ZONE);
  e.timeout = a.u32(CTA_EXPECT_TIMEOUT);
  e.flags = a.u32(CTA_EXPECT_FLAGS);
  e.expect_class = a.u32(CTA_EXPECT_CLASS);
  e.helper = a.text(CTA_EXPECT_HELP_NAME);
  e.function = a.text(CTA_EXPECT_FN);
  e.id = a.u32(CTA_EXPECT_ID);
  if (const Attributes nat(a[CTA_EXPECT_NAT]); nat) {
    Tuple saved;
    if (read_tuple(nat[CTA_EXPECT_NAT_TUPLE], saved)) {
      e.saved_address = saved.source;
      e.saved_id = saved.source_id;
    }
    e.direction = nat.u32(CTA_EXPECT_NAT_DIR) != 0 ? CtDirection::kReply : CtDirection::kOriginal;
  }
  return true;
}

bool put_expectation(nl_msg* message, const ct::ExpectState& e) {
  Writer w(message);
  put_tuple(w, CTA_EXPECT_MASTER, e.master, 0);
  put_tuple(w, CTA_EXPECT_TUPLE, e.tuple, 0);
  put_tuple(w, CTA_EXPECT_MASK, e.mask, 0);
  if (e.zone != 0) w.u16(CTA_EXPECT_ZONE, e.zone);
  if (e.timeout) w.u32(CTA_EXPECT_TIMEOUT, *e.timeout);
  w.u32(CTA_EXPECT_FLAGS, e.flags);
  w.u32(CTA_EXPECT_CLASS, e.expect_class);
  if (e.given_helper) w.text(CTA_EXPECT_HELP_NAME, *e.given_helper);
  if (e.function) w.text(CTA_EXPECT_FN, *e.function);
  if (!e.saved_address.is_zero() || e.saved_id.raw() != 0) {
    w.nest(CTA_EXPECT_NAT, [&] {
      w.u32(CTA_EXPECT_NAT_DIR, static_cast<uint32_t>(e.direction));
      Tuple saved;
      saved.protocol = e.master.protocol;
      saved.source = e.saved_address;
      saved.source_id = e.saved_id;
      put_tuple(w, CTA_EXPECT_NAT_TUPLE, saved, 0);
    });
  }
  return w.ok();
}

}  // namespace nf::ctnetlink
