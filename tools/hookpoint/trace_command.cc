#include <unistd.h>

#include <cstdio>

#include "datapath/port/capture_filter.h"
#include "tools/hookpoint/client.h"
#include "tools/hookpoint/command.h"
#include "tools/words/words.h"

namespace nf::cli {

namespace {

// A filter as the gateway takes it. Names are resolved here: it waits for no name server.
Result<std::vector<std::string>> compiled(const std::string& expression) {
  const Result<CaptureFilter> frames = CaptureFilter::compile(expression, LinkType::kEthernet);
  if (!frames) return frames.error();
  std::vector<std::string> words{"--frames", frames->bytecode()};
  // What speaks of frames is no filter for packets: the host's own do not pass it.
  if (const Result<CaptureFilter> packets = CaptureFilter::compile(expression, LinkType::kRaw); packets)
    words.insert(words.end(), {"--packets", packets->bytecode()});
  return words;
}

}  // namespace

// The gateway reads the options (tools/commands/trace_request.h). What only this side knows goes in front of them: its
// language, whether it writes on a terminal, and the filter's names.
int trace_command(Arguments args) {
  std::string control, language, colour = "auto", filter;
  std::vector<std::string> options;
  while (!args.done()) {
    if (args.option("--control", control) || args.option("--lang", language) || args.option("--color", colour) ||
        args.option("--filter", filter))
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
  if (!filter.empty()) {
    const Result<std::vector<std::string>> code = compiled(filter);
    if (!code) return refuse("trace: --filter: " + code.error().text);
    words.insert(words.end(), code->begin(), code->end());
  }
  words.insert(words.end(), options.begin(), options.end());
  return follow_gateway(control, words, [&] {
    std::fprintf(stderr, "hookpoint: trace: %s\n", words::render({"trace.begins", {}, {}}, *chosen).c_str());
  });
}

}  // namespace nf::cli
