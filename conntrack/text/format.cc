#include "conntrack/text/format.h"

#include <ctime>

#include "conntrack/helper.h"
#include "conntrack/proto.h"
#include "conntrack/text/format_parts.h"
#include "conntrack/text/format_state.h"
#include "datapath/base/text.h"
#include "datapath/packet/headers.h"

namespace nf::ct {
namespace {

// Addresses and what the protocol has besides, with a blank behind each. twin: __snprintf_address, __snprintf_proto
std::string format_tuple(const Tuple& t, uint8_t protocol) {
  return "src=" + format_ipv4(t.source) + " dst=" + format_ipv4(t.destination) + ' ' + format_ids(t, protocol);
}

// The zone that counts in this direction only; nothing when it is the connection's. twin: ct_show_zone
std::string format_own_zone(const Connection& c, size_t direction) {
  const ZoneIds zone = c.zone();
  if (zone.symmetric() || zone.id[direction] == 0) return {};
  return strf("zone-%s=%u ", direction == 0 ? "orig" : "reply", zone.id[direction]);
}

std::string format_labels(const Connection& c) {
  const Labels* labels = labels_of(c);
  std::string out;
  for (unsigned n = 0; labels != nullptr && n < kLabels; ++n)
    if ((labels->words[n / 64] >> n % 64 & 1) != 0) out += strf(out.empty() ? "labels=%u" : ",%u", n);
  return out.empty() ? out : out + ' ';
}

// Nothing for a protocol without states.
std::string format_state(const Connection& c) {
  const std::string_view name = state_name(c);
  return name.empty() ? std::string() : std::string(name) + ' ';
}

std::string format_counter(const Counter& c) {
  return strf("packets=%llu bytes=%llu ", static_cast<unsigned long long>(c.packets),
              static_cast<unsigned long long>(c.bytes));
}

// Whole seconds the entry has left. twin: nf_ct_expires / HZ
long long seconds_left(const Connection& c, Time now) { return c.expires > now ? (c.expires - now) / kSecond : 0; }

long long age(const Connection& c, Time now) { return now / kSecond - c.started / kSecond; }

// twin: __snprintf_timestamp_start, _stop
std::string format_kernel_time(const char* name, Time t) {
  const std::time_t seconds = t / kSecond;
  char text[32];
  ctime_r(&seconds, text);
  return strf("[%s=%.24s] ", name, text);
}

// What differs between the forms of a line.
struct Parts {
  bool counters, age, mark, use, id, state = true, no_seconds = false, helper = true, stopped = false, labels = true;
};

std::string format_line(const Connection& c, Time now, const Parts& parts, const FormatOptions& options) {
  const uint8_t protocol = c.original().protocol;
  std::string out;
  if (options.extended) out += "ipv4     2 ";
  out += strf("%-8s %u ", protocol_name(protocol), protocol);
  if (!parts.no_seconds) out += strf("%lld ", seconds_left(c, now));
  if (parts.state) out += format_state(c);
  out += format_tuple(c.original(), protocol) + format_own_zone(c, 0);
  if (parts.counters) out += format_counter(c.counters[0]);
  if ((c.status & kSeenReply) == 0) out += "[UNREPLIED] ";
  out += format_tuple(c.reply(), protocol) + format_own_zone(c, 1);
  if (parts.counters) out += format_counter(c.counters[1]);
  if ((c.status & kAssured) != 0) out += "[ASSURED] ";
  if (parts.mark) out += strf("mark=%u ", c.mark);
  if (c.zone().symmetric() && c.zone().any() != 0) out += strf("zone=%u ", c.zone().any());
  if (parts.age) out += strf("delta-time=%lld ", age(c, now));
  if (options.kernel_times && (c.extensions & kExtTimestamp) != 0 && parts.age) {
    out += format_kernel_time("start", c.started);
    if (parts.stopped) out += format_kernel_time("stop", now);
  }
  if (parts.helper) {
    const HelpPart* help = help_of(c);
    if (help != nullptr && help->helper != nullptr) out += "helper=" + std::string(help->helper->name()) + ' ';
  }
  if (parts.use) out += strf("use=%u ", c.use + options.extra_use);
  if (parts.id) out += strf("id=%u ", c.id);
  if (options.labels != nullptr && parts.labels && labels_of(c) != nullptr) {
    std::string names;
    for (const std::string& name : options.labels->names(*labels_of(c))) names += (names.empty() ? "" : ",") + name;
    if (!names.empty()) out += "labels=" + names + ' ';
  }
  if (options.label_numbers) out += format_labels(c);
  out.pop_back();
  return out;
}

}  // namespace

std::string format_ids(const Tuple& t, uint8_t protocol) {
  switch (protocol) {
    case kProtoTcp:
    case kProtoUdp:
    case kProtoUdplite:
    case kProtoSctp:
    case kProtoDccp:
      return strf("sport=%u dport=%u ", t.source_id.host(), t.destination_id.host());
    case kProtoGre:
      return strf("srckey=0x%x dstkey=0x%x ", t.source_id.host(), t.destination_id.host());
    case kProtoIcmp:
      return strf("type=%d code=%d id=%d ", t.icmp_type(), t.icmp_code(), t.source_id.host());
    default:
      return {};
  }
}

std::string format_entry(const Connection& c, Time now, const FormatOptions& options) {
  const Parts parts{(c.extensions & kExtAcct) != 0, (c.extensions & kExtTimestamp) != 0, true, true, options.id};
  return format_line(c, now, parts, options);
}

std::string format_event(const EventReport& e, bool timestamp, const FormatOptions& options) {
  std::string out;
  if (timestamp)
    out += strf("[%lld.%06lld]\t", static_cast<long long>(e.now / kSecond),
                static_cast<long long>(e.now % kSecond / kMicrosecond));
  const bool destroy = e.kind == EventReport::Kind::kDestroy;
  out += strf("%9s ", destroy ? "[DESTROY]" : e.kind == EventReport::Kind::kNew ? "[NEW]" : "[UPDATE]");
  // Counters and times are told once, at the end; a mark when there is one or it changed; the use count never;
  // TCP's state at the end and when it changed (an UPDATE for the first reply alone has none); the seconds left not at
  // the end of an entry that had none left; the helper not at the end.
  const Connection& c = e.connection;
  const Parts parts{destroy && (c.extensions & kExtAcct) != 0,
                    destroy && (c.extensions & kExtTimestamp) != 0,
                    c.mark != 0 || (e.events & kEventMark) != 0,
                    false,
                    options.id,
                    destroy || (e.events & kEventProtoinfo) != 0,
                    destroy && seconds_left(c, e.now) == 0,
                    !destroy,
                    destroy,
                    !destroy && (e.events & kEventLabel) != 0};
  return out + format_line(c, e.now, parts, options);
}

std::string format_stats(const Stats& s) {
  const auto n = [](uint64_t v) { return static_cast<unsigned long long>(v); };
  return strf(
      "cpu=0   \tfound=%llu invalid=%llu insert=%llu insert_failed=%llu drop=%llu early_drop=%llu error=%llu "
      "search_restart=%llu clash_resolve=%llu chaintoolong=%llu ",
      n(s.found), n(s.invalid), n(s.insert), n(s.insert_failed), n(s.drop), n(s.early_drop), n(s.icmp_error),
      n(s.search_restart), n(s.clash_resolve), n(s.chaintoolong));
}

// twin: ct_seq_show, net/netfilter/nf_conntrack_standalone.c
std::string format_proc(const Connection& c, Time now) {
  const uint8_t protocol = c.original().protocol;
  // The kernel tracks DCCP as any unknown protocol; conntrack(8) still knows its name.
  const uint8_t known = protocol == kProtoDccp ? uint8_t{0} : protocol;
  std::string out = "ipv4     2 ";
  out += strf("%-8s %u %lld ", known == 0 ? "unknown" : protocol_name(protocol), protocol, seconds_left(c, now));
  out += format_state(c);
  if (protocol == kProtoGre)
    out += strf("timeout=%lld, stream_timeout=%lld ", static_cast<long long>(c.gre.timeout),
                static_cast<long long>(c.gre.stream_timeout));
  const bool counters = (c.extensions & kExtAcct) != 0;
  out += format_tuple(c.original(), known) + format_own_zone(c, 0);
  if (counters) out += format_counter(c.counters[0]);
  if ((c.status & kSeenReply) == 0) out += "[UNREPLIED] ";
  out += format_tuple(c.reply(), known) + format_own_zone(c, 1);
  if (counters) out += format_counter(c.counters[1]);
  if ((c.status & kAssured) != 0) out += "[ASSURED] ";
  out += strf("mark=%u ", c.mark);
  if (c.zone().symmetric()) out += strf("zone=%u ", c.zone().any());
  if ((c.extensions & kExtTimestamp) != 0) out += strf("delta-time=%lld ", age(c, now));
  // Who reads the file holds a reference while the line is made.
  return out + strf("use=%u", c.use + 1);
}

}  // namespace nf::ct
