#include "conntrack/reason.h"

#include <cstdarg>
#include <cstdio>

#include "conntrack/endpoints.h"
#include "datapath/base/text.h"
#include "datapath/iptables/xt_log_line.h"

namespace nf::ct {

void Reason::start(const Packet& p, Stack& stack, int64_t log_invalid, bool traced) {
  constexpr int64_t kAll = 255;  // IPPROTO_RAW
  packet_ = &p;
  stack_ = &stack;
  log_ = log_invalid == kAll || (log_invalid != 0 && log_invalid == p.ip().protocol);
  traced_ = traced;
  if (!traced) return;
  invalid_ = {};
  remarks_.clear();
}

void Reason::log(const char* format, ...) {
  if (!log_) return;
  char text[160], prefix[sizeof text + 32];
  va_list args;
  va_start(args, format);
  std::vsnprintf(text, sizeof text, format, args);
  va_end(args);
  std::snprintf(prefix, sizeof prefix, "nf_ct_proto_%d: %s ", packet_->ip().protocol, text);
  constexpr uint8_t kEverything = ipt::kLogTcpSequence | ipt::kLogTcpOptions | ipt::kLogIpOptions | ipt::kLogUid;
  ipt::LogLine line;
  ipt::add_packet(line, prefix, kEverything, *packet_, HookState{HookPoint::kPreRouting});
  stack_->log(line.text());
}

std::string Reason::word(Be32 address) { return format_ipv4(address); }
std::string Reason::word(Hex n) { return strf("0x%0*x", n.digits, n.value); }
std::string Reason::word(const Tuple& t) { return tuple_text(t); }

}  // namespace nf::ct
