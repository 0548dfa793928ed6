#include "tools/commands/sysctl_command.h"

#include "datapath/base/text.h"
#include "tools/commands/command_words.h"

namespace nf {
namespace {

constexpr OptionName kNames[] = {
    {'w', "write", TakesValue::kNo, 'w'}, {'n', "values", TakesValue::kNo, 'n'}, {'e', "ignore", TakesValue::kNo, 'e'},
    {'q', "quiet", TakesValue::kNo, 'q'}, {'a', "all", TakesValue::kNo, 'a'},    {'A', "", TakesValue::kNo, 'a'},
    {'N', "names", TakesValue::kNo, 'N'},
};

struct Request {
  bool all = false, values = false, names = false, ignore = false, quiet = false, write = false;
  std::vector<std::string> words;
};

Status read_request(const std::vector<std::string>& words, Request& r) {
  Result<std::vector<GivenOption>> given = read_options(std::span(words).subspan(1), kNames);
  if (!given) return given.error();
  for (const GivenOption& o : *given) {
    if (o.is == 0) r.words.push_back(o.value);
    if (o.is == 'w') r.write = true;
    if (o.is == 'n') r.values = true;
    if (o.is == 'N') r.names = true;
    if (o.is == 'e') r.ignore = true;
    if (o.is == 'q') r.quiet = true;
    if (o.is == 'a') r.all = true;
  }
  if (!r.all && r.words.empty()) return error("no variables specified");
  return {};
}

std::string line(const Request& r, const std::string& name, const std::string& value) {
  if (r.names) return name + '\n';
  return r.values ? value + '\n' : name + " = " + value + '\n';
}

// One word: a name to show, or NAME=VALUE.
Status carry_out(SysctlTable& table, const Request& r, const std::string& word, CommandReply& reply) {
  const size_t equals = word.find('=');
  if (equals == std::string::npos) {
    if (r.write) return error("\"" + word + "\" must be of the form name=value");
    const Result<int64_t> value = table.get(word);
    if (!value) return r.ignore ? Status() : value.error();
    reply.out += line(r, word, std::to_string(*value));
    return {};
  }
  const std::string name(trim(std::string_view(word).substr(0, equals)));
  const std::string value(trim(std::string_view(word).substr(equals + 1)));
  if (name.empty() || value.empty()) return error("\"" + word + "\" must be of the form name=value");
  if (r.ignore && !table.get(name)) return {};
  if (Status s = table.set(name, value); !s) return s;
  if (!r.quiet) reply.out += line(r, name, value);
  return {};
}

}  // namespace

CommandReply sysctl_command(Gateway& gateway, const std::vector<std::string>& words) {
  CommandReply reply;
  const auto complain = [&reply](const Error& e) {
    reply.err += "sysctl: " + e.str() + '\n';
    reply.exit_code = static_cast<int>(ExitCode::kBadInput);
  };
  Request request;
  if (const Status s = read_request(words, request); !s) {
    complain(s.error());
    return reply;
  }
  SysctlTable& table = gateway.router().sysctl();
  if (request.all)
    for (const auto& [name, entry] : table.entries()) reply.out += line(request, name, std::to_string(*entry.value));
  // As the real one: a word that fails does not keep the next from being done.
  for (const std::string& word : request.words)
    if (const Status s = carry_out(table, request, word, reply); !s) complain(s.error());
  return reply;
}

}  // namespace nf
