#include "tools/commands/conntrack_load.h"

#include "datapath/base/text.h"
#include "tools/commands/conntrack_change.h"
#include "tools/commands/conntrack_request.h"

namespace nf {
namespace {

// How the program calls a command that has no place in a file. twin: ct_unsupp_cmd_parse_file
std::string_view unsupported(CtCommand c) {
  switch (c) {
    case CtCommand::kList:
      return "-L";
    case CtCommand::kGet:
      return "-G";
    case CtCommand::kEvent:
      return "-E";
    case CtCommand::kVersion:
      return "-V";
    case CtCommand::kHelp:
      return "-h";
    case CtCommand::kExpectList:
      return "-L expect";
    case CtCommand::kExpectCreate:
      return "-C expect";
    case CtCommand::kExpectDelete:
      return "-D expect";
    case CtCommand::kExpectGet:
      return "-G expect";
    case CtCommand::kExpectFlush:
      return "-F expect";
    case CtCommand::kExpectEvent:
      return "-E expect";
    case CtCommand::kCount:
      return "-C";
    case CtCommand::kExpectCount:
      return "-C expect";
    case CtCommand::kStats:
      return "-S";
    case CtCommand::kExpectStats:
      return "-S expect";
    default:
      return {};
  }
}

CommandReply run_line(Gateway& gateway, const CtRequest& r, Time now) {
  switch (r.command) {
    case CtCommand::kUpdate:
      return conntrack_update(gateway, r, now);
    case CtCommand::kDelete:
      return conntrack_delete(gateway, r, now);
    case CtCommand::kFlush: {
      gateway.conntrack().flush(now);
      CommandReply reply;
      reply.err = strf("%s: connection tracking table has been emptied.\n", kConntrackVersion);
      return reply;
    }
    default:
      return conntrack_create(gateway, r, now);
  }
}

}  // namespace

std::vector<std::string> words_of_line(std::string_view line) {
  std::vector<std::string> out;
  std::string word;
  bool quoted = false, escaped = false;
  for (const char c : line) {
    if (quoted && escaped) {
      word += c;
      escaped = false;
    } else if (quoted && c == '\\') {
      escaped = true;
    } else if (c == '"') {
      // Its end ends the word.
      if (quoted) out.push_back(std::exchange(word, {}));
      quoted = !quoted;
    } else if (!quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
      if (!word.empty()) out.push_back(std::exchange(word, {}));
    } else {
      word += c;
    }
  }
  if (!word.empty()) out.push_back(std::move(word));
  return out;
}

CommandReply conntrack_load(Gateway& gateway, const std::string& file, const std::string& text,
                            const std::string& labels_file, Time now) {
  CommandReply reply;
  struct Line {
    CtRequest request;
    int number;
  };
  std::vector<Line> lines;
  const auto at = [&](int number) { return file + ':' + std::to_string(number) + ": "; };
  int number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    const std::vector<std::string> words = words_of_line(line);
    if (words.empty() || words[0].starts_with("#")) continue;
    Result<CtRequest> r = read_conntrack_request(words, labels_file);
    if (r.ok() && !unsupported(r->command).empty())
      r = conntrack_error("Cannot use command `" + std::string(unsupported(r->command)) + "' with --load-file");
    if (!r) {
      reply.err = at(number) + r.error().text;
      reply.exit_code = static_cast<int>(r.error().code);
      return reply;
    }
    lines.push_back({r.take(), number});
  }
  for (const Line& l : lines) {
    CommandReply one = run_line(gateway, l.request, now);
    reply.out += one.out;
    // Of a file only what went wrong is told, and what empties the table.
    const bool failed = one.exit_code != 0 && one.err.find("Operation failed") != std::string::npos;
    if (failed || l.request.command == CtCommand::kFlush) reply.err += (failed ? at(l.number) : "") + one.err;
    if (failed) {
      reply.exit_code = one.exit_code;
      return reply;
    }
  }
  return reply;
}

}  // namespace nf
