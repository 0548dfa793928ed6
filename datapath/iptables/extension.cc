#include "datapath/iptables/extension.h"

#include "datapath/base/text.h"

namespace nf::ipt {

std::string_view table_name(TableId t) {
  switch (t) {
    case TableId::kRaw:
      return "raw";
    case TableId::kMangle:
      return "mangle";
    case TableId::kNat:
      return "nat";
    case TableId::kFilter:
      return "filter";
    case TableId::kSecurity:
      return "security";
  }
  return {};
}

std::optional<TableId> table_by_name(std::string_view name) {
  for (size_t i = 0; i < kTables; ++i)
    if (table_name(static_cast<TableId>(i)) == name) return static_cast<TableId>(i);
  return std::nullopt;
}

Result<std::string_view> OptionReader::argument() {
  if (next_ >= words_.size()) return error(strf("option \"%s\" requires an argument", std::string(name_).c_str()));
  return std::string_view(words_[next_++]);
}

bool OptionReader::has_argument() const {
  if (next_ >= words_.size()) return false;
  const std::string& word = words_[next_];
  return word.empty() || (word[0] != '-' && word[0] != '!');
}

Miss Match::explain_miss(const MatchInput&) const { return {{"miss.match", {whole_text(), std::string(name())}, {}}}; }

std::string Match::whole_text() const {
  std::string text = "-m ";
  text += name();
  save(text);
  return text;
}

std::string Match::piece_text(std::string option) const {
  std::string options;
  save(options);
  return options.size() == option.size() + 1 ? whole_text() : option;
}

Miss Match::later_fragment(const MatchInput& in) const {
  return {{"miss.later_fragment", {whole_text(), std::to_string(in.fragment_offset * 8)}, {}}};
}

const MatchSpec* ExtensionRegistry::match(std::string_view name) const {
  const auto it = matches_.find(name);
  return it == matches_.end() ? nullptr : &it->second;
}

const TargetSpec* ExtensionRegistry::target(std::string_view name) const {
  const auto it = targets_.find(name);
  return it == targets_.end() ? nullptr : &it->second;
}

}  // namespace nf::ipt
