#include "conntrack/xt/state_words.h"

#include "conntrack/connection.h"
#include "conntrack/xt/words.h"

namespace nf::ct {
namespace {

// In the order they are printed.
constexpr Word kStates[] = {
    {"INVALID", kStateInvalid},     {"NEW", kStateNew},
    {"RELATED", kStateRelated},     {"ESTABLISHED", kStateEstablished},
    {"UNTRACKED", kStateUntracked}, {"SNAT", kStateSnat},
    {"DNAT", kStateDnat},
};
constexpr size_t kRealStates = 5;

}  // namespace

uint16_t state_bits(const Packet& p) {
  if (p.ct == 0) return p.ctinfo == CtInfo::kUntracked ? kStateUntracked : kStateInvalid;
  uint16_t bits = 0;
  switch (p.ctinfo) {
    case CtInfo::kEstablished:
    case CtInfo::kEstablishedReply:
      bits = kStateEstablished;
      break;
    case CtInfo::kRelated:
    case CtInfo::kRelatedReply:
      bits = kStateRelated;
      break;
    default:
      bits = kStateNew;
      break;
  }
  const uint32_t status = connection_of(p.ct)->status;
  if ((status & kSrcNat) != 0) bits |= kStateSnat;
  if ((status & kDstNat) != 0) bits |= kStateDnat;
  return bits;
}

Result<uint16_t> parse_states(std::string_view text, bool virtual_states, std::string_view kind) {
  const std::span<const Word> words(kStates, virtual_states ? std::size(kStates) : kRealStates);
  const Result<uint32_t> mask = parse_word_list(text, words, kind);
  if (!mask.ok()) return mask.error();
  return static_cast<uint16_t>(*mask);
}

void append_states(std::string& out, uint16_t mask) { append_word_list(out, mask, kStates); }

std::string states_text(uint16_t mask) {
  std::string out;
  append_states(out, mask);
  return out.substr(1);
}

Said no_connection(std::string condition, const Packet& p) {
  return {"miss.no_connection", {std::move(condition), states_text(state_bits(p))}, {}};
}

}  // namespace nf::ct
