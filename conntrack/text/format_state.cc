#include "conntrack/text/format_state.h"

#include <ctime>

#include "conntrack/helper.h"
#include "datapath/base/json.h"
#include "datapath/base/text.h"
#include "datapath/packet/headers.h"

namespace nf::ct {
namespace {

bool has_ports(uint8_t protocol) {
  return protocol == kProtoTcp || protocol == kProtoUdp || protocol == kProtoUdplite || protocol == kProtoSctp ||
         protocol == kProtoDccp;
}

unsigned long long llu(uint64_t n) { return n; }

// --- save

// twin: conntrack_status_map, conntrack.c of conntrack-tools: by rising bit
std::string save_status(uint32_t status) {
  static constexpr std::pair<uint32_t, const char*> kNames[] = {
      {kExpected, "EXPECTED"}, {kSeenReply, "SEEN_REPLY"}, {kAssured, "ASSURED"}, {kFixedTimeout, "FIXED_TIMEOUT"}};
  std::string out;
  for (const auto& [bit, name] : kNames)
    if ((status & bit) != 0) out += (out.empty() ? "" : ",") + std::string(name);
  return out.empty() ? "UNSET" : out;
}

// One half of a translation as the tuples tell it.
struct SavedHalf {
  Be32 address;
  Be16 port;
  bool other_address, other_port;  // than without it
  bool translated() const { return other_address || other_port; }
};

SavedHalf saved_half(const EntryState& s, bool source) {
  const Tuple &o = s.tuple[0], &r = s.tuple[1];
  SavedHalf h{source ? r.destination : r.source, source ? r.destination_id : r.source_id, false, false};
  const uint32_t status = s.status.value_or(0);
  if ((status & (source ? kSrcNat : kDstNat)) == 0) return h;
  h.other_address = h.address != (source ? o.source : o.destination);
  if (has_ports(o.protocol)) h.other_port = h.port != (source ? o.source_id : o.destination_id);
  if (o.protocol == kProtoIcmp && (source || (status & kSrcNat) == 0)) {
    // One of both halves carries the id.
    h.port = r.source_id;
    h.other_port = h.port != o.source_id;
  }
  return h;
}

// "-g 10.0.0.9" where this half is translated, else "-r 10.0.0.2". Where both are, what comes behind about ports is
// lost when the line is read, and an ICMP id of the replies it never tells.
std::string save_half(const EntryState& s, bool source) {
  const SavedHalf h = saved_half(s, source);
  if (!h.translated()) return (source ? "-q " : "-r ") + format_ipv4(h.address) + ' ';
  std::string out = (source ? "-n " : "-g ") + format_ipv4(h.address);
  const bool lost = !h.other_address || s.tuple[0].protocol == kProtoIcmp || saved_half(s, !source).translated();
  if (h.other_port && lost) out += strf(":%u", h.port.host());
  return out + ' ';
}

// twin: the print_opts of conntrack-tools' extensions/libct_proto_*.c
std::string save_protocol(const EntryState& s) {
  const Tuple &o = s.tuple[0], &r = s.tuple[1];
  const auto pair = [](const char* a, const Be16& x, const char* b, const Be16& y) {
    return strf("%s %u %s %u ", a, x.host(), b, y.host());
  };
  switch (o.protocol) {
    case kProtoTcp:
    case kProtoUdp:
    case kProtoUdplite:
    case kProtoSctp: {
      std::string out = strf("-p %s ", protocol_name(o.protocol)) +
                        pair("--sport", o.source_id, "--dport", o.destination_id) +
                        pair("--reply-port-src", r.source_id, "--reply-port-dst", r.destination_id);
      if (s.tcp && s.tcp->state) out += strf("--state %s ", tcp_state_name(*s.tcp->state));
      if (s.sctp && s.sctp->state) {
        out += strf("--state %s ", sctp_state_name(*s.sctp->state));
        if (s.sctp->vtag[0]) out += strf("--orig-vtag %u ", s.sctp->vtag[0]->host());
        if (s.sctp->vtag[1]) out += strf("--reply-vtag %u ", s.sctp->vtag[1]->host());
      }
      return out;
    }
    case kProtoIcmp:
      return strf("-p icmp --icmp-type %u --icmp-code %u --icmp-id %u ", o.icmp_type(), o.icmp_code(),
                  o.source_id.host());
    case kProtoGre:
      return "-p gre " + pair("--srckey", o.source_id, "--dstkey", o.destination_id) +
             pair("--reply-key-src", r.source_id, "--reply-key-dst", r.destination_id);
    case kProtoDccp:
      return "-p dccp ";
    default:
      return strf("-p %u ", o.protocol);
  }
}

std::string save_zone(const EntryState& s) {
  const uint16_t original = s.tuple[0].zone, reply = s.tuple[1].zone;
  if (original == reply) return original != 0 ? strf("-w %u ", original) : "";
  return original != 0 ? strf("--orig-zone %u ", original) : strf("--reply-zone %u ", reply);
}

// --- xml

std::string element(const char* name, const std::string& text) {
  return std::string("<") + name + '>' + text + "</" + name + '>';
}
std::string element(const char* name, uint64_t number) { return element(name, strf("%llu", llu(number))); }

// twin: __snprintf_proto_xml
std::string xml_ids(const Tuple& t) {
  if (has_ports(t.protocol)) return element("sport", t.source_id.host()) + element("dport", t.destination_id.host());
  if (t.protocol != kProtoGre) return {};
  return element("srckey", strf("0x%x", t.source_id.host())) + element("dstkey", strf("0x%x", t.destination_id.host()));
}
std::string xml_addresses(const Tuple& t) {
  return element("src", format_ipv4(t.source)) + element("dst", format_ipv4(t.destination));
}
constexpr char kLayer3[] = "<layer3 protonum=\"2\" protoname=\"ipv4\">";
std::string layer4(uint8_t protocol) {
  return strf("<layer4 protonum=\"%u\" protoname=\"%s\">", protocol, protocol_name(protocol));
}

// twin: __snprintf_tuple_xml
std::string xml_direction(const EntryState& s, size_t d) {
  const Tuple& t = s.tuple[d];
  std::string out = strf("<meta direction=\"%s\">", d == 0 ? "original" : "reply");
  out += kLayer3 + xml_addresses(t) + "</layer3>" + layer4(t.protocol) + xml_ids(t) + "</layer4>";
  if (s.tuple[0].zone != s.tuple[1].zone && t.zone != 0) out += element("zone", t.zone);
  if (s.counters)
    out += element("counters", element("packets", (*s.counters)[d].packets) + element("bytes", (*s.counters)[d].bytes));
  return out + "</meta>";
}

// twin: __snprintf_localtime_xml
std::string xml_when(Time now) {
  const std::time_t seconds = now / kSecond;
  std::tm t{};
  localtime_r(&seconds, &t);
  return strf(
      "<when><hour>%d</hour><min>%02d</min><sec>%02d</sec><wday>%d</wday><day>%d</day><month>%d</month>"
      "<year>%d</year></when>",
      t.tm_hour, t.tm_min, t.tm_sec, t.tm_wday + 1, t.tm_mday, t.tm_mon + 1, 1900 + t.tm_year);
}

std::string xml_flow(std::optional<EventKind> event) {
  if (!event) return "<flow>";
  return *event == EventKind::kNew       ? "<flow type=\"new\">"
         : *event == EventKind::kDestroy ? "<flow type=\"destroy\">"
                                         : "<flow type=\"update\">";
}

// --- json

void json_event(JsonObject& j, std::optional<EventKind> event) {
  if (event) j.text("event", *event == EventKind::kNew ? "new" : *event == EventKind::kDestroy ? "destroy" : "update");
}

void json_tuple(JsonObject& j, const std::string& prefix, const Tuple& t) {
  j.text(prefix + "src", format_ipv4(t.source));
  j.text(prefix + "dst", format_ipv4(t.destination));
  if (has_ports(t.protocol)) {
    j.number(prefix + "sport", t.source_id.host());
    j.number(prefix + "dport", t.destination_id.host());
  } else if (t.protocol == kProtoIcmp) {
    j.number(prefix + "type", t.icmp_type());
    j.number(prefix + "code", t.icmp_code());
    j.number(prefix + "id", t.source_id.host());
  } else if (t.protocol == kProtoGre) {
    j.number(prefix + "srckey", t.source_id.host());
    j.number(prefix + "dstkey", t.destination_id.host());
  }
}

std::vector<std::string> json_status(uint32_t status) {
  static constexpr const char* kNames[] = {"EXPECTED",     "SEEN_REPLY", "ASSURED",      "CONFIRMED",
                                           "SRC_NAT",      "DST_NAT",    "SEQ_ADJUST",   "SRC_NAT_DONE",
                                           "DST_NAT_DONE", "DYING",      "FIXED_TIMEOUT"};
  std::vector<std::string> out;
  for (size_t i = 0; i < std::size(kNames); ++i)
    if ((status >> i & 1) != 0) out.push_back(kNames[i]);
  if ((status & kHelper) != 0) out.push_back("HELPER");
  return out;
}

std::vector<unsigned> numbers(const Labels& labels) {
  std::vector<unsigned> out;
  for (unsigned i = 0; i < kLabels; ++i)
    if ((labels.words[i / 64] >> (i % 64) & 1) != 0) out.push_back(i);
  return out;
}

}  // namespace

const char* protocol_name(uint8_t protocol) {
  switch (protocol) {
    case kProtoTcp:
      return "tcp";
    case kProtoUdp:
      return "udp";
    case kProtoUdplite:
      return "udplite";
    case kProtoIcmp:
      return "icmp";
    case kProtoSctp:
      return "sctp";
    case kProtoGre:
      return "gre";
    case kProtoDccp:
      return "dccp";
    default:
      return "unknown";
  }
}

EntryState told_state(const EventReport& e) {
  EntryState s = entry_state(e.connection, e.now);
  const bool destroy = e.kind == EventKind::kDestroy;
  s.use = 0;
  if (s.mark == 0u && (e.events & kEventMark) == 0) s.mark.reset();
  if (destroy) {
    if (s.timeout == 0u) s.timeout.reset();
    s.helper.reset();
    s.labels.reset();
    s.seqadj.reset();
    s.master.reset();
    // twin: tcp_to_nlattr with destroy: the state alone
    if (s.tcp) s.tcp = TcpEntry{s.tcp->state, {}, {}};
    if (s.sctp) s.sctp = SctpEntry{s.sctp->state, {}};
    return s;
  }
  s.counters.reset();
  s.started.reset();
  if ((e.events & kEventProtoinfo) == 0) {
    s.tcp.reset();
    s.sctp.reset();
  }
  if ((e.events & kEventLabel) == 0) s.labels.reset();
  if ((e.events & kEventRelated) == 0) s.master.reset();
  if ((e.events & kEventSeqAdjust) == 0) s.seqadj.reset();
  return s;
}

// twin: ct_save_snprintf, conntrack.c of conntrack-tools
std::string format_save(const EntryState& s, EventKind kind) {
  std::string out = kind == EventKind::kNew ? "-A " : kind == EventKind::kUpdate ? "-U " : "-D ";
  if (s.timeout) out += strf("-t %u ", *s.timeout);
  if (s.status) out += "-u " + save_status(*s.status) + ' ';
  out += save_zone(s);
  out += "-s " + format_ipv4(s.tuple[0].source) + " -d " + format_ipv4(s.tuple[0].destination) + ' ';
  out += save_half(s, false) + save_half(s, true) + save_protocol(s);
  out.pop_back();
  return out;
}

// twin: __snprintf_conntrack_xml, libnetfilter_conntrack 1.0.9
std::string format_xml(const EntryState& s, Time now, const XmlOptions& o) {
  std::string out = xml_flow(o.event) + xml_direction(s, 0) + xml_direction(s, 1) + "<meta direction=\"independent\">";
  if (s.tcp && s.tcp->state) out += element("state", tcp_state_name(*s.tcp->state));
  // The library looks SCTP's states up among TCP's names.
  if (s.sctp && s.sctp->state) out += element("state", tcp_state_name(static_cast<TcpState>(*s.sctp->state)));
  if (s.timeout) out += element("timeout", *s.timeout);
  if (s.mark) out += element("mark", *s.mark);
  if (!o.labels.empty()) {
    std::string names;
    for (const std::string& l : o.labels) names += element("label", xml_text(l));
    out += element("labels", names);
  }
  if (s.tuple[0].zone == s.tuple[1].zone && s.tuple[0].zone != 0) out += element("zone", s.tuple[0].zone);
  if (s.use != 0) out += element("use", s.use);
  out += element("id", s.id);
  const uint32_t status = s.status.value_or(0);
  if ((status & kAssured) != 0) out += "<assured/>";
  if ((status & kSeenReply) == 0) out += "<unreplied/>";
  if (s.started) {
    if (o.kernel_times) {
      out += "<timestamp>" + element("start", static_cast<uint64_t>(*s.started));
      if (o.stopped) out += element("stop", static_cast<uint64_t>(*o.stopped));
      out += "</timestamp>";
    }
    // At its end a span in nanoseconds is cut to seconds, before that two clocks of seconds are compared.
    const Duration age = o.stopped ? (*o.stopped - *s.started) / kSecond : now / kSecond - *s.started / kSecond;
    out += element("deltatime", static_cast<uint64_t>(age));
  }
  out += "</meta>";
  if (o.when) out += xml_when(now);
  if (s.helper) out += element("helper", xml_text(*s.helper));
  return out + "</flow>";
}

std::string format_xml(const ExpectState& e, Time now, std::optional<EventKind> event, bool when) {
  const auto three = [&](auto part) {
    return element("expected", part(e.tuple)) + element("mask", part(e.mask)) + element("master", part(e.master));
  };
  std::string out = xml_flow(event) + kLayer3 + three(xml_addresses) + "</layer3>" + layer4(e.tuple.protocol) +
                    three(xml_ids) + "</layer4><meta>";
  if (e.helper) out += element("helper-name", xml_text(*e.helper));
  if (e.timeout) out += element("timeout", *e.timeout);
  out += element("class", e.expect_class);
  if (e.zone != 0) out += element("zone", e.zone);
  if ((e.flags & kExpectPermanent) != 0) out += "<permanent/>";
  if ((e.flags & kExpectInactive) != 0) out += "<inactive/>";
  if ((e.flags & kExpectUserspace) != 0) out += "<userspace/>";
  if (when) out += xml_when(now);
  return out + "</meta></flow>";
}

std::string format_json(const EntryState& s, std::optional<EventKind> event) {
  JsonObject j;
  json_event(j, event);
  j.text("protocol", protocol_name(s.tuple[0].protocol));
  j.number("protonum", s.tuple[0].protocol);
  json_tuple(j, "orig_", s.tuple[0]);
  json_tuple(j, "reply_", s.tuple[1]);
  if (s.tcp && s.tcp->state) j.text("state", tcp_state_name(*s.tcp->state));
  if (s.sctp && s.sctp->state) j.text("state", sctp_state_name(*s.sctp->state));
  for (size_t d = 0; d < 2; ++d)
    if (s.sctp && s.sctp->vtag[d]) j.number(d == 0 ? "orig_vtag" : "reply_vtag", s.sctp->vtag[d]->host());
  if (s.timeout) j.number("timeout", *s.timeout);
  if (s.status) j.raw("status", json_strings(json_status(*s.status)));
  if (s.mark) j.number("mark", *s.mark);
  if (s.tuple[0].zone == s.tuple[1].zone) {
    j.number("zone", s.tuple[0].zone);
  } else {
    j.number("orig_zone", s.tuple[0].zone);
    j.number("reply_zone", s.tuple[1].zone);
  }
  if (s.labels) {
    std::vector<std::string> list;
    for (const unsigned n : numbers(*s.labels)) list.push_back(std::to_string(n));
    j.raw("labels", json_list(list));
  }
  if (s.helper) j.text("helper", *s.helper);
  if (s.counters) {
    for (size_t d = 0; d < 2; ++d) {
      const std::string prefix = d == 0 ? "orig_" : "reply_";
      j.number(prefix + "packets", (*s.counters)[d].packets);
      j.number(prefix + "bytes", (*s.counters)[d].bytes);
    }
  }
  if (s.started) j.number("start", static_cast<uint64_t>(*s.started));
  if (s.use != 0) j.number("use", s.use);
  j.number("id", s.id);
  return j.take();
}

std::string format_json(const ExpectState& e, std::optional<EventKind> event) {
  JsonObject j;
  json_event(j, event);
  j.text("protocol", protocol_name(e.tuple.protocol));
  j.number("protonum", e.tuple.protocol);
  json_tuple(j, "", e.tuple);
  json_tuple(j, "mask_", e.mask);
  json_tuple(j, "master_", e.master);
  if (e.timeout) j.number("timeout", *e.timeout);
  j.number("zone", e.zone);
  j.number("flags", e.flags);
  j.number("class", e.expect_class);
  if (e.helper) j.text("helper", *e.helper);
  if (e.function) j.text("function", *e.function);
  j.number("id", e.id);
  return j.take();
}

std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace nf::ct
