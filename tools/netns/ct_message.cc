#include "tools/netns/ct_message.h"

#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

namespace nf::netns {
namespace {

using ct::Tuple;

bool decode_tuple(const Attribute& nest, CtDirection direction, uint16_t zone, Tuple& t) {
  const Attributes parts(nest);
  const Attributes ip(parts[CTA_TUPLE_IP]);
  if (!ip[CTA_IP_V4_SRC] || !ip[CTA_IP_V4_DST]) return false;
  t.source = ip[CTA_IP_V4_SRC].number<Be32>();
  t.destination = ip[CTA_IP_V4_DST].number<Be32>();
  const Attributes proto(parts[CTA_TUPLE_PROTO]);
  t.protocol = proto[CTA_PROTO_NUM].u8();
  t.direction = direction;
  t.zone = zone;
  if (t.protocol == kProtoIcmp) {
    t.source_id = proto[CTA_PROTO_ICMP_ID].number<Be16>();
    t.set_icmp(proto[CTA_PROTO_ICMP_TYPE].u8(), proto[CTA_PROTO_ICMP_CODE].u8());
  } else {
    t.source_id = proto[CTA_PROTO_SRC_PORT].number<Be16>();
    t.destination_id = proto[CTA_PROTO_DST_PORT].number<Be16>();
  }
  return true;
}

ct::Counter decode_counter(const Attribute& nest) {
  const Attributes c(nest);
  return {c[CTA_COUNTERS_PACKETS].u64(), c[CTA_COUNTERS_BYTES].u64()};
}

}  // namespace

bool decode(const nlmsghdr& message, Time now, CtMessage& out) {
  if (message.nlmsg_len < NLMSG_LENGTH(sizeof(nfgenmsg))) return false;
  if (static_cast<const nfgenmsg*>(NLMSG_DATA(&message))->nfgen_family != AF_INET) return false;
  const Attributes a = Attributes::of(message);
  ct::Connection& c = out.connection;
  c = ct::Connection();
  const uint16_t zone = a[CTA_ZONE].u16();
  if (!decode_tuple(a[CTA_TUPLE_ORIG], CtDirection::kOriginal, zone, c.tuple[0])) return false;
  if (!decode_tuple(a[CTA_TUPLE_REPLY], CtDirection::kReply, zone, c.tuple[1])) return false;

  const int type = message.nlmsg_type & 0xff;
  out.kind = type == IPCTNL_MSG_CT_DELETE                          ? ct::EventReport::Kind::kDestroy
             : (message.nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL)) ? ct::EventReport::Kind::kNew
                                                                   : ct::EventReport::Kind::kUpdate;
  out.events = 0;
  if (a[CTA_PROTOINFO]) out.events |= ct::kEventProtoinfo;
  if (a[CTA_MARK]) out.events |= ct::kEventMark;

  c.status = a[CTA_STATUS].u32();
  c.mark = a[CTA_MARK].u32();
  if (a[CTA_USE]) c.use = a[CTA_USE].u32();
  c.id = a[CTA_ID].u32();
  if (a[CTA_PROTOINFO]) {
    const Attributes info(a[CTA_PROTOINFO]);
    const Attributes tcp{info[CTA_PROTOINFO_TCP]};
    c.tcp.state = static_cast<ct::TcpState>(tcp[CTA_PROTOINFO_TCP_STATE].u8());
  }
  if (a[CTA_COUNTERS_ORIG] && a[CTA_COUNTERS_REPLY]) {
    c.extensions |= ct::kExtAcct;
    c.counters[0] = decode_counter(a[CTA_COUNTERS_ORIG]);
    c.counters[1] = decode_counter(a[CTA_COUNTERS_REPLY]);
  }
  out.now = now;
  if (a[CTA_TIMESTAMP]) {
    const Attributes stamp(a[CTA_TIMESTAMP]);
    c.extensions |= ct::kExtTimestamp;
    c.started = static_cast<Time>(stamp[CTA_TIMESTAMP_START].u64());
    if (stamp[CTA_TIMESTAMP_STOP]) out.now = static_cast<Time>(stamp[CTA_TIMESTAMP_STOP].u64());
  }
  c.expires = out.now + a[CTA_TIMEOUT].u32() * kSecond;
  return true;
}

void put_tuple(Request& request, int type, const Tuple& t) {
  const size_t tuple = request.begin_nest(type);
  const size_t ip = request.begin_nest(CTA_TUPLE_IP);
  request.put_number(CTA_IP_V4_SRC, t.source).put_number(CTA_IP_V4_DST, t.destination);
  request.end_nest(ip);
  const size_t proto = request.begin_nest(CTA_TUPLE_PROTO);
  request.put_u8(CTA_PROTO_NUM, t.protocol);
  if (t.protocol == kProtoIcmp) {
    request.put_u8(CTA_PROTO_ICMP_TYPE, t.icmp_type()).put_u8(CTA_PROTO_ICMP_CODE, t.icmp_code());
    request.put_number(CTA_PROTO_ICMP_ID, t.source_id);
  } else {
    request.put_number(CTA_PROTO_SRC_PORT, t.source_id).put_number(CTA_PROTO_DST_PORT, t.destination_id);
  }
  request.end_nest(proto);
  request.end_nest(tuple);
}

}  // namespace nf::netns
