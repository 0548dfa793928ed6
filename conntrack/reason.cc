#include "conntrack/reason.h"

#include <cstdarg>
#include <cstdio>

#include "datapath/iptables/xt_log_line.h"

namespace nf::ct {

void Reason::start(const Packet& p, Stack& stack, int64_t log_invalid, bool traced) {
  constexpr int64_t kAll = 255;  // IPPROTO_RAW
  packet_ = &p;
  stack_ = &stack;
  log_ = log_invalid == kAll || (log_invalid != 0 && log_invalid == p.ip().protocol);
  traced_ = traced;
  text_[0] = 0;
}

void Reason::set(const char* format, ...) {
  if (!log_ && !traced_) return;
  va_list args;
  va_start(args, format);
  std::vsnprintf(text_, sizeof text_, format, args);
  va_end(args);
  if (!log_) return;
  char prefix[sizeof text_ + 32];
  std::snprintf(prefix, sizeof prefix, "nf_ct_proto_%d: %s ", packet_->ip().protocol, text_);
  constexpr uint8_t kEverything = ipt::kLogTcpSequence | ipt::kLogTcpOptions | ipt::kLogIpOptions | ipt::kLogUid;
  ipt::LogLine line;
  ipt::add_packet(line, prefix, kEverything, *packet_, HookState{HookPoint::kPreRouting});
  stack_->log(line.text());
}

void Reason::note(const char* text) {
  if (traced_) std::snprintf(text_, sizeof text_, "%s", text);
}

}  // namespace nf::ct
