#include "tools/backend/trace_lines.h"

#include "datapath/base/text.h"
#include "tools/words/words.h"

namespace nf {
namespace {

uint64_t number_of(const JsonLine& line, std::string_view name) { return parse_number(line.word(name)).value_or(0); }

ToldStep told_of(const JsonLine& line) {
  ToldStep told;
  told.hook = line.word("hook");
  const auto add = [&told](const JsonLine& said) {
    if (const std::string_view key = said.word("key"); !key.empty()) told.keys.emplace_back(key);
    const std::vector<std::string>& values = said.list("values");
    told.values.insert(told.values.end(), values.begin(), values.end());
  };
  add(line);
  if (const auto inside = line.objects.find("reasons"); inside != line.objects.end())
    for (const JsonLine& said : inside->second) add(said);
  return told;
}

}  // namespace

Status TraceLines::add(std::string_view text) {
  for (const std::string_view words : split(text, '\n')) {
    if (words.empty()) continue;
    const std::optional<JsonLine> line = read_json_line(words);
    const std::string_view what = line ? line->word("line") : std::string_view();
    if (what == "packet")
      packet(*line);
    else if (what == "step")
      step(*line);
    else if (what == "end")
      end(*line);
    else
      return error("no line of a trace: " + std::string(words));
  }
  return {};
}

size_t TraceLines::path_of(const Name& name) {
  const auto [at, begins] = by_name_.try_emplace(name, paths_.size());
  if (begins) paths_.emplace_back();
  return at->second;
}

void TraceLines::packet(const JsonLine& line) {
  const uint64_t number = number_of(line, "packet"), first = number_of(line, "continues");
  std::vector<uint64_t>& sent = on_loopback_[first];
  if (first != 0 && !sent.empty()) {
    by_name_[{number, 0}] = path_of({first, sent.front()});
    sent.erase(sent.begin());
  } else {
    path_of({number, 0});
  }
  told_.push_back({number, {}, {}});
  const bool from_host = line.word("from_host") == "true";
  text_ +=
      words::render(
          {from_host ? "text.packet_from_host" : "text.packet",
           {std::string(line.word("packet")), std::string(line.word("device")), std::string(line.word("description"))},
           {}},
          words::Language::kEnglish) +
      '\n';
}

void TraceLines::step(const JsonLine& line) {
  const uint64_t number = number_of(line, "packet"), made = number_of(line, "made");
  const std::string_view kind = line.word("kind"), place = line.word("place");
  const size_t path = path_of({number, made});
  if (kind == "sent" && line.word("device") == "lo") on_loopback_[number].push_back(made);
  if (kind == "policy")
    paths_[path].emplace_back(place.substr(0, place.rfind(':')));
  else if (kind == "rule" && place.find(":return:") == std::string_view::npos)
    paths_[path].emplace_back(place);
  if (!told_.empty()) told_.back().steps.push_back(told_of(line));
  const size_t depth = (made != 0 && kind != "made" ? 6 : 2) + (line.word("hook").empty() || kind == "hook" ? 0 : 2);
  text_ += std::string(depth, ' ') + std::string(line.word("text")) + '\n';
}

void TraceLines::end(const JsonLine& line) {
  if (!told_.empty()) told_.back().fate = line.word("fate");
  text_ += "  => " + std::string(line.word("text")) + '\n';
}

std::vector<RulePath> TraceLines::take_paths() {
  by_name_.clear();
  on_loopback_.clear();
  std::erase_if(paths_, [](const RulePath& p) { return p.empty(); });
  return std::exchange(paths_, {});
}

}  // namespace nf
