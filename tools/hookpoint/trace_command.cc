#include <unistd.h>

#include <cstdio>

#include "tools/hookpoint/client.h"
#include "tools/hookpoint/command.h"
#include "tools/words/words.h"

namespace nf::cli {

// The gateway reads the options (tools/commands/trace_request.h). What only this side knows goes in front of them: its
// language, and whether it writes on a terminal.
int trace_command(Arguments args) {
  std::string control, language, colour = "auto";
  std::vector<std::string> options;
  while (!args.done()) {
    if (args.option("--control", control) || args.option("--lang", language) || args.option("--color", colour))
      continue;
    if (args.peek().empty()) return refuse("trace: an empty word");
    options.push_back(args.take());
  }
  if (!args.missing().empty()) return refuse("trace: " + args.missing() + " needs an argument");
  const auto chosen = language.empty() ? words::language_of_locale() : words::language_by_name(language);
  if (!chosen) return refuse("trace: --lang is en or zh, not \"" + language + "\"");
  if (colour == "auto") colour = ::isatty(1) != 0 ? "always" : "never";
  std::vector<std::string> words{"trace", "--lang", *chosen == words::Language::kChinese ? "zh" : "en", "--color",
                                 colour};
  words.insert(words.end(), options.begin(), options.end());
  return follow_gateway(control, words, [&] {
    std::fprintf(stderr, "hookpoint: trace: %s\n", words::render({"trace.begins", {}, {}}, *chosen).c_str());
  });
}

}  // namespace nf::cli
