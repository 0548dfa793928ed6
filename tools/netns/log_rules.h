// iptables-save text whose -j LOG is -j NFLOG: a LOG line goes to the machine's log, which no namespace can read; what
// NFLOG sends can be read there (log_reader.h). Counters, verdict and place of the rule stay the same.
#pragma once

#include <string>
#include <string_view>

#include "datapath/base/result.h"

namespace nf::netns {

// The group of nfnetlink_log that LOG rules become.
inline constexpr int kLogGroup = 1;

struct LogRules {
  std::string text;   // line for line what was given
  bool logs = false;  // there was a -j LOG
};

// A LOG rule's flags and prefix become the NFLOG prefix: two hexadecimal digits (ipt::LogFlag), then the prefix. The
// text must be one iptables-restore accepts: what LOG would refuse is not looked for.
LogRules log_rules_as_nflog(std::string_view text);

// The other way: false when it is none of ours.
bool split_log_prefix(std::string_view nflog_prefix, uint8_t& flags, std::string_view& prefix);

}  // namespace nf::netns
