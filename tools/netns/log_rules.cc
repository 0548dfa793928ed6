#include "tools/netns/log_rules.h"

#include <utility>
#include <vector>

#include "datapath/base/text.h"
#include "datapath/iptables/xt_log_line.h"

namespace nf::netns {
namespace {

constexpr size_t kMaxPrefix = 29;  // of LOG: longer ones are cut silently

constexpr std::pair<std::string_view, uint8_t> kFlags[] = {{"--log-tcp-sequence", ipt::kLogTcpSequence},
                                                           {"--log-tcp-options", ipt::kLogTcpOptions},
                                                           {"--log-ip-options", ipt::kLogIpOptions},
                                                           {"--log-uid", ipt::kLogUid},
                                                           {"--log-macdecode", ipt::kLogMacDecode}};

struct Word {
  std::string value;
  std::string_view written;
};

// twin: add_param_to_argv, iptables/xshared.c
std::vector<Word> words_of(std::string_view line) {
  std::vector<Word> out;
  size_t at = 0;
  while (at < line.size()) {
    if (line[at] == ' ' || line[at] == '\t') {
      ++at;
      continue;
    }
    const size_t begin = at;
    std::string value;
    bool quoted = false, escaped = false;
    for (; at < line.size(); ++at) {
      const char c = line[at];
      if (quoted && !escaped && c == '\\') {
        escaped = true;
      } else if (c == '"' && !escaped) {
        quoted = !quoted;
      } else if (!quoted && (c == ' ' || c == '\t')) {
        break;
      } else {
        value += c;
        escaped = false;
      }
    }
    out.push_back({std::move(value), line.substr(begin, at - begin)});
  }
  return out;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// The rule anew, or empty: it does not log.
std::string without_log(std::string_view line) {
  std::string out, prefix;
  uint8_t flags = 0;
  bool logs = false;
  const std::vector<Word> words = words_of(line);
  const auto flag_of = [](std::string_view word) {
    for (const auto& [name, flag] : kFlags)
      if (word == name) return flag;
    return uint8_t{0};
  };
  size_t target_at = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i].value;
    const bool jump = word == "-j" || word == "--jump";
    if ((jump && i + 1 < words.size() && words[i + 1].value == "LOG") || word == "-jLOG" || word == "--jump=LOG") {
      logs = true;
      i += jump;
      target_at = out.size();
    } else if (const uint8_t flag = logs ? flag_of(word) : uint8_t{0}; flag != 0) {
      flags = static_cast<uint8_t>(flags | flag);
    } else if (logs && (word == "--log-prefix" || word == "--log-level")) {
      ++i;
      if (word == "--log-prefix" && i < words.size()) prefix = words[i].value;
    } else if (logs && word.starts_with("--log-prefix=")) {
      prefix = word.substr(word.find('=') + 1);
    } else if (!logs || !word.starts_with("--log-level=")) {
      if (!out.empty()) out += ' ';
      out += words[i].written;
    }
  }
  if (!logs) return {};
  out.insert(target_at, strf(" -j NFLOG --nflog-group %d --nflog-prefix ", kLogGroup) +
                            quoted(strf("%02x", flags) + prefix.substr(0, kMaxPrefix)));
  return out;
}

}  // namespace

LogRules log_rules_as_nflog(std::string_view text) {
  LogRules out;
  bool first = true;
  for (const std::string_view line : split(text, '\n')) {
    if (!std::exchange(first, false)) out.text += '\n';
    const bool rule = !line.empty() && (line[0] == '-' || line[0] == '[') && line.find("LOG") != line.npos;
    const std::string changed = rule ? without_log(line) : std::string();
    out.logs |= !changed.empty();
    out.text += changed.empty() ? line : std::string_view(changed);
  }
  return out;
}

bool split_log_prefix(std::string_view nflog_prefix, uint8_t& flags, std::string_view& prefix) {
  if (nflog_prefix.size() < 2) return false;
  const auto number = parse_number("0x" + std::string(nflog_prefix.substr(0, 2)), 0xff);
  if (!number) return false;
  flags = static_cast<uint8_t>(*number);
  prefix = nflog_prefix.substr(2);
  return true;
}

}  // namespace nf::netns
