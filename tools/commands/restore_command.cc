#include "tools/commands/restore_command.h"

#include "tools/commands/command_words.h"
#include "tools/control/control_protocol.h"

namespace nf {
namespace {

// twin: options, iptables-restore.c
constexpr OptionName kNames[] = {
    {'c', "counters", TakesValue::kNo, 'c'},   {'n', "noflush", TakesValue::kNo, 'n'},
    {'w', "wait", TakesValue::kOptional, 'w'}, {'4', "ipv4", TakesValue::kNo, 'w'},
    {'t', "test", TakesValue::kNo, 't'},       {'v', "verbose", TakesValue::kNo, 'v'},
    {'T', "table", TakesValue::kYes, 'T'},
};

CommandReply refuse(int exit_code, const std::string& text) {
  CommandReply r;
  r.err = "iptables-restore: " + text + '\n';
  r.exit_code = exit_code;
  return r;
}

}  // namespace

CommandReply restore_command(Gateway& gateway, const std::vector<std::string>& words) {
  constexpr int kBadInput = static_cast<int>(ExitCode::kBadInput);
  const size_t n = words.size();
  const auto text = n >= 4 && words[n - 3] == "--" ? control::file_text(words[n - 1]) : std::nullopt;
  if (!text) return refuse(kBadInput, "no rules came with it");
  const std::string& file = words[n - 2];
  Result<std::vector<GivenOption>> given = read_options(std::span(words).subspan(1, n - 4), kNames);
  if (!given) return refuse(kBadInput, given.error().str());
  // Without -c every counter starts at zero, whatever the text has.
  ipt::LoadOptions options{.counters = false, .no_flush = false};
  for (const GivenOption& o : *given) {
    switch (o.is) {
      case 'c':
        options.counters = true;
        break;
      case 'n':
        options.no_flush = true;
        break;
      case 'w':
        break;
      case 0:
        return refuse(kBadInput, "unknown arguments found on commandline: " + o.value);
      default:
        return refuse(kBadInput, o.written + " is not supported; -c, -n and -w are");
    }
  }
  if (const Status s = gateway.iptables().load(*text, file, options); !s)
    return refuse(static_cast<int>(s.error().code), s.error().str());
  return {};
}

}  // namespace nf
