#include "tools/commands/conntrack_print.h"

#include "conntrack/text/expect_format.h"
#include "conntrack/text/format.h"
#include "conntrack/text/format_state.h"
#include "datapath/base/text.h"

namespace nf {
namespace {

ct::FormatOptions plain(const CtRequest& r) {
  ct::FormatOptions o;
  o.extended = (r.output & kOutExtended) != 0;
  o.id = (r.output & kOutId) != 0;
  o.kernel_times = (r.output & kOutKernelTimes) != 0;
  o.labels = r.label_map.loaded() ? &r.label_map : nullptr;  // also when labels were only named
  return o;
}

ct::XmlOptions xml(const CtRequest& r, const ct::EntryState& s) {
  ct::XmlOptions o;
  o.kernel_times = (r.output & kOutKernelTimes) != 0;
  if (s.labels) o.labels = r.label_map.names(*s.labels);
  return o;
}

std::string stamp(Time now) {
  return strf("[%lld.%06lld]\t", static_cast<long long>(now / kSecond),
              static_cast<long long>(now % kSecond / kMicrosecond));
}

std::string print(const CtRequest& r, const ct::Connection& c, Time now, unsigned extra_use, ct::EventKind as) {
  if ((r.output & kOutProcfs) != 0) return ct::format_proc(c, now);
  if ((r.output & (kOutSave | kOutXml | kOutJson)) != 0) {
    ct::EntryState s = ct::entry_state(c, now);
    s.use += extra_use;
    if ((r.output & kOutSave) != 0) return ct::format_save(s, as);
    return (r.output & kOutJson) != 0 ? ct::format_json(s) : ct::format_xml(s, now, xml(r, s));
  }
  ct::FormatOptions o = plain(r);
  o.extra_use = extra_use;
  return ct::format_entry(c, now, o);
}

}  // namespace

std::string print_entry(const CtRequest& r, const ct::Connection& c, Time now, unsigned extra_use) {
  return print(r, c, now, extra_use, ct::EventKind::kNew);
}

std::string print_deleted(const CtRequest& r, const ct::Connection& c, Time now) {
  return print(r, c, now, 0, ct::EventKind::kDestroy);
}

std::string print_event(const CtRequest& r, const ct::EventReport& e) {
  if ((r.output & (kOutSave | kOutXml | kOutJson)) == 0)
    return ct::format_event(e, (r.output & kOutTimestamp) != 0, plain(r));
  const ct::EntryState s = ct::told_state(e);
  if ((r.output & kOutSave) != 0) return ct::format_save(s, e.kind);
  if ((r.output & kOutJson) != 0) return ct::format_json(s, e.kind);
  ct::XmlOptions o = xml(r, s);
  o.event = e.kind;
  o.when = (r.output & kOutTimestamp) != 0;
  if (e.kind == ct::EventKind::kDestroy) o.stopped = e.now;
  return ct::format_xml(s, e.now, o);
}

std::string print_expectation(const CtRequest& r, const ct::Expectation& e, Time now) {
  const bool when = (r.output & kOutTimestamp) != 0;
  if ((r.output & kOutJson) != 0) return ct::format_json(ct::expect_state(e, now));
  if ((r.output & kOutXml) != 0) return ct::format_xml(ct::expect_state(e, now), now, {}, when);
  if ((r.output & kOutProcfs) != 0) return ct::format_expect_proc(e, now);
  return (when ? stamp(now) : "") + ct::format_expectation(e, now);
}

std::string print_event(const CtRequest& r, const ct::ExpectReport& e) {
  const auto kind = e.kind == ct::ExpectReport::Kind::kNew ? ct::EventKind::kNew : ct::EventKind::kDestroy;
  if ((r.output & kOutJson) != 0) return ct::format_json(ct::expect_state(e.expectation, e.now), kind);
  const bool when = (r.output & kOutTimestamp) != 0;
  if ((r.output & kOutXml) != 0) return ct::format_xml(ct::expect_state(e.expectation, e.now), e.now, kind, when);
  return ct::format_expect_event(e, when);
}

std::string xml_head(const std::string& element) {
  return "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<" + element + ">\n";
}
std::string xml_foot(const std::string& element) { return "</" + element + ">\n"; }

}  // namespace nf
