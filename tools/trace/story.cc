#include "tools/trace/story.h"

#include "datapath/base/text.h"

namespace nf::trace {

std::string_view step_key(StepKind k) {
  static constexpr std::string_view kKeys[] = {
#define NF_X(name, key) key,
      NF_STEP_KINDS(NF_X)
#undef NF_X
  };
  return kKeys[static_cast<size_t>(k)];
}

std::string_view fate_key(Fate f) {
  static constexpr std::string_view kKeys[] = {"sent", "delivered", "dropped", "waiting", "nothing"};
  return kKeys[static_cast<size_t>(f)];
}

std::string Step::place() const {
  const char* what = nullptr;
  if (kind == StepKind::kPolicy) what = "policy";
  if (kind == StepKind::kRule || kind == StepKind::kMiss) what = end_of_chain ? "return" : "rule";
  if (what == nullptr) return {};
  return table + ':' + chain + ':' + what + strf(":%u", number);
}

std::string_view Step::field(std::string_view name) const {
  for (const auto& [key, value] : fields)
    if (key == name) return value;
  return {};
}

std::vector<std::string> Story::path() const {
  std::vector<std::string> out;
  for (const Step& s : steps) {
    if (s.made != 0 || (s.kind != StepKind::kRule && s.kind != StepKind::kPolicy) || s.end_of_chain) continue;
    out.push_back(s.kind == StepKind::kPolicy ? s.table + ':' + s.chain + ":policy" : s.place());
  }
  return out;
}

}  // namespace nf::trace
