#include "tools/explain/explain.h"

#include <unistd.h>

#include "datapath/base/text.h"
#include "tools/hookpoint/command.h"
#include "tools/words/words.h"

namespace nf::cli {
namespace {

// Of --verbose.
bool set_level(const std::string& word, trace::Level& level) {
  if (word == "verdict") level = trace::Level::kVerdict;
  if (word == "decisions") level = trace::Level::kDecisions;
  if (word == "everything") level = trace::Level::kEverything;
  return word == "verdict" || word == "decisions" || word == "everything";
}

}  // namespace

int explain_command(Arguments args) {
  explain::Options options;
  options.form_options.language = words::language_of_locale();
  std::string in, form, level, lang, colour = "auto", packet, seed;
  bool loud = false, quiet = false, levelled = false;
  while (!args.done()) {
    if (args.option("--in", in)) {
      if (!args.missing().empty()) break;
      if (!add_input(in, options.inputs)) return refuse("explain: --in needs IF=FILE, not \"" + in + "\"");
      continue;
    }
    if (args.option("--why-not", options.why_not)) {
      if (options.why_not.empty() && args.missing().empty()) return refuse("explain: --why-not needs a rule");
      continue;
    }
    if (args.option("--connect", options.connect) || args.option("--filter", options.filter) ||
        args.option("--packet", packet) || args.option("--conntrack", options.conntrack) || args.option("-o", form) ||
        args.option("--out", options.out) || args.option("--verbose", level) || args.option("--lang", lang) ||
        args.option("--color", colour) || args.option("--seed", seed))
      continue;
    if (args.flag("-q")) {
      quiet = true;
    } else if (args.flag("-v")) {
      loud = true;
    } else if (args.flag("--hooks")) {
      options.form_options.hooks = true;
    } else if (args.peek().starts_with("-")) {
      return refuse("explain: unexpected \"" + args.peek() + "\"");
    } else if (options.lab.empty()) {
      options.lab = args.take();
    } else {
      options.packets.push_back(args.take());
    }
  }
  if (!args.missing().empty()) return refuse("explain: " + args.missing() + " needs an argument");
  if (options.lab.empty()) return refuse("explain: which lab?");
  const bool played = !options.packets.empty() || !options.connect.empty();
  if (!played && options.inputs.empty()) return refuse("explain: a packet, --connect PACKET or --in IF=FILE is needed");
  if (played && !options.inputs.empty())
    return refuse("explain: captures (--in) and packets of one's own are played apart");
  if (!options.filter.empty() && options.inputs.empty()) return refuse("explain: --filter is for captures (--in)");

  if (!level.empty() && !set_level(level, options.form_options.level))
    return refuse("explain: --verbose is verdict, decisions or everything, not \"" + level + "\"");
  if (quiet) options.form_options.level = trace::Level::kVerdict;
  if (loud) options.form_options.level = trace::Level::kEverything;
  levelled = !level.empty() || quiet || loud;
  if (!lang.empty()) {
    const auto language = words::language_by_name(lang);
    if (!language) return refuse("explain: --lang is en or zh, not \"" + lang + "\"");
    options.form_options.language = *language;
  }
  if (const size_t equals = form.find('='); equals != form.npos) {
    if (!options.out.empty()) return refuse("explain: -o FORM=FILE and --out name two files");
    options.out = form.substr(equals + 1);
    form.resize(equals);
  }
  if (!form.empty()) options.form = form;
  if (colour != "auto" && colour != "always" && colour != "never")
    return refuse("explain: --color is auto, always or never, not \"" + colour + "\"");
  options.form_options.colour = colour == "always" || (colour == "auto" && options.out.empty() && ::isatty(1) != 0);
  for (const auto& [name, text, value] :
       {std::tuple("--packet", &packet, &options.packet), std::tuple("--seed", &seed, &options.seed)}) {
    if (text->empty()) continue;
    const auto n = nf::parse_number(*text);
    if (!n) return refuse(std::string("explain: ") + name + " needs a number");
    *value = *n;
  }
  if (!packet.empty() && options.packet == 0) return refuse("explain: --packet counts from 1");
  // Whoever asks about a rule wants its answer; the packets only when he asks for them, or their form, too.
  options.tell = options.why_not.empty() || levelled || (options.form != "text" && options.form != "json");
  return explain::explain(options);
}

}  // namespace nf::cli
