#include "tools/netns/ct_message.h"

#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <map>
#include <memory>
#include <string>

#include "conntrack/helper.h"
#include "tools/ctnetlink/ct_message.h"

namespace nf::netns {
namespace {

using ct::Tuple;

// What a helper of the kernel's is known by.
class NamedHelper final : public ct::Helper {
 public:
  explicit NamedHelper(std::string_view name) : Helper(name, 0, 0) {}
  std::span<const ct::ExpectPolicy> policies() const override { return {}; }
  Verdict help(const ct::HelpInput&) const override { return Verdict::kAccept; }
};

}  // namespace

const ct::Helper* helper_named(std::string_view name) {
  static std::map<std::string, std::unique_ptr<NamedHelper>, std::less<>> known;
  auto at = known.find(name);
  if (at == known.end()) {
    at = known.try_emplace(std::string(name)).first;
    at->second = std::make_unique<NamedHelper>(at->first);
  }
  return at->second.get();
}

bool decode(const nlmsghdr& message, Time now, CtMessage& out) {
  ct::EntryState s;
  ctnetlink::Told told;
  if (!ctnetlink::read_entry(message, s, &told)) return false;
  ct::Connection& c = out.connection;
  c = ct::Connection();
  out.rare = ct::RareParts();
  c.tuple[0] = s.tuple[0];
  c.tuple[1] = s.tuple[1];

  const int type = message.nlmsg_type & 0xff;
  out.kind = type == IPCTNL_MSG_CT_DELETE                          ? ct::EventReport::Kind::kDestroy
             : (message.nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL)) ? ct::EventReport::Kind::kNew
                                                                   : ct::EventReport::Kind::kUpdate;
  out.events = 0;
  if (told.protoinfo) out.events |= ct::kEventProtoinfo;
  if (told.mark) out.events |= ct::kEventMark;

  c.status = s.status.value_or(0);
  c.mark = s.mark.value_or(0);
  if (s.use != 0) c.use = s.use;
  c.id = s.id;
  if (s.helper) {
    c.rare = &out.rare;
    ct::add_help(c).helper = helper_named(*s.helper);
  }
  if (s.labels) {
    c.rare = &out.rare;
    out.rare.has_labels = true;
    out.rare.labels = *s.labels;
  }
  if (s.tcp && s.tcp->state && c.original().protocol == kProtoTcp) c.tcp.state = *s.tcp->state;
  if (c.original().protocol == kProtoSctp) {
    c.sctp = ct::SctpTrack{};
    if (s.sctp && s.sctp->state) c.sctp.state = *s.sctp->state;
  }
  if (s.counters) {
    c.extensions |= ct::kExtAcct;
    c.counters[0] = (*s.counters)[0];
    c.counters[1] = (*s.counters)[1];
  }
  out.now = told.stopped ? told.stop : now;
  if (s.started) {
    c.extensions |= ct::kExtTimestamp;
    c.started = *s.started;
  }
  c.expires = out.now + s.timeout.value_or(0) * kSecond;
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
