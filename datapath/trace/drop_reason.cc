#include "datapath/trace/drop_reason.h"

namespace nf {
namespace {

constexpr std::string_view kKeys[] = {
#define NF_X(name) "drop." #name,
    NF_DROP_REASONS(NF_X)
#undef NF_X
};
// "drop.kName" in the source's spelling; the k is taken out once.
constexpr size_t kPrefix = sizeof("drop.") - 1;
struct Key {
  char text[48] = {};
  size_t length = 0;
};
constexpr Key without_k(std::string_view spelled) {
  Key key;
  for (size_t i = 0; i < spelled.size(); ++i)
    if (i != kPrefix) key.text[key.length++] = spelled[i];
  return key;
}
struct Keys {
  Key of[kDropReasonCount];
};
constexpr Keys kShort = [] {
  Keys keys;
  for (size_t i = 0; i < kDropReasonCount; ++i) keys.of[i] = without_k(kKeys[i]);
  return keys;
}();

}  // namespace

std::string_view drop_reason_key(DropReason r) {
  const Key& key = kShort.of[static_cast<size_t>(r)];
  return {key.text, key.length};
}
std::string_view drop_reason_name(DropReason r) { return drop_reason_key(r).substr(kPrefix); }

}  // namespace nf
