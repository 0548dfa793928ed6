#include "tools/commands/trace_request.h"

#include "datapath/base/text.h"
#include "tools/commands/command_words.h"

namespace nf {
namespace {

constexpr OptionName kNames[] = {
    {0, "frames", TakesValue::kYes, 'f'},   {0, "packets", TakesValue::kYes, 'p'},
    {'o', "output", TakesValue::kYes, 'o'}, {0, "hooks", TakesValue::kNo, 'h'},
    {0, "rate", TakesValue::kYes, 'r'},     {0, "count", TakesValue::kYes, 'c'},
    {0, "verbose", TakesValue::kYes, 'V'},  {'v', "", TakesValue::kNo, 'v'},
    {'q', "", TakesValue::kNo, 'q'},        {0, "lang", TakesValue::kYes, 'l'},
    {0, "color", TakesValue::kYes, 'C'},
};

Status read_number(const GivenOption& given, uint64_t& n) {
  const auto read = parse_number(given.value);
  if (!read || *read == 0) return error(given.written + " needs a number from 1, not \"" + given.value + "\"");
  n = *read;
  return {};
}

Status read_level(const std::string& name, trace::Level& level) {
  if (name == "verdict")
    level = trace::Level::kVerdict;
  else if (name == "decisions")
    level = trace::Level::kDecisions;
  else if (name == "everything")
    level = trace::Level::kEverything;
  else
    return error("--verbose is verdict, decisions or everything, not \"" + name + "\"");
  return {};
}

Status read_option(const GivenOption& given, TraceRequest& r) {
  switch (given.is) {
    case 'f':
      r.frames = given.value;
      return {};
    case 'p':
      r.packets = given.value;
      return {};
    case 'o':
      r.form = given.value;
      return {};
    case 'h':
      r.options.hooks = true;
      return {};
    case 'r':
      return read_number(given, r.rate);
    case 'c':
      return read_number(given, r.count);
    case 'V':
      return read_level(given.value, r.options.level);
    case 'v':
      r.options.level = trace::Level::kEverything;
      return {};
    case 'q':
      r.options.level = trace::Level::kVerdict;
      return {};
    case 'l': {
      const auto language = words::language_by_name(given.value);
      if (!language) return error("--lang is en or zh, not \"" + given.value + "\"");
      r.options.language = *language;
      return {};
    }
    case 'C':
      if (given.value != "always" && given.value != "never")
        return error("--color is auto, always or never, not \"" + given.value + "\"");
      r.options.colour = given.value == "always";
      return {};
    default:
      return error("\"" + given.value + "\" is not expected");
  }
}

}  // namespace

Result<TraceRequest> read_trace_request(std::span<const std::string> words) {
  const Result<std::vector<GivenOption>> given = read_options(words, kNames);
  if (!given) return given.error();
  TraceRequest r;
  for (const GivenOption& g : *given)
    if (Status s = read_option(g, r); !s) return s.error();
  if (r.frames.empty() && !r.packets.empty()) return error("--packets needs --frames");
  return r;
}

}  // namespace nf
