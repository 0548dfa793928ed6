#include "conntrack/helper/sip_sdp.h"

#include <optional>

namespace nf::ct::sip {
namespace {

constexpr size_t kNotThere = std::string_view::npos;

// twin: ct_sdp_hdrs_v4
struct Form {
  std::string_view name, search;
};
constexpr Form kForms[] = {{"", ""}, {"v=", ""}, {"o=", "IN IP4 "}, {"c=", "IN IP4 "}, {"m=", ""}};
const Form& form_of(SdpHeader type) { return kForms[static_cast<size_t>(type)]; }

bool is_line_end(char c) { return c == '\r' || c == '\n'; }

// In one line; a needle at the message's end is not found. twin: ct_sdp_header_search
size_t search_line(std::string_view message, size_t at, std::string_view needle) {
  for (; at + needle.size() < message.size() && !is_line_end(message[at]); ++at)
    if (message.substr(at, needle.size()) == needle) return at;
  return kNotThere;
}

// "audio 4000"; the port's digits may be missing. twin: media_len
size_t media_length(std::string_view message, size_t at) {
  const size_t kind = letters(message, at);
  if (at + kind >= message.size() || message[at + kind] != ' ') return 0;
  return kind + 1 + digits(message, at + kind + 1);
}

size_t length_of(std::string_view message, size_t at, SdpHeader type) {
  if (type == SdpHeader::kVersion) return digits(message, at);
  if (type == SdpHeader::kMedia) return media_length(message, at);
  const std::optional<Address> address = parse_address(message, at, message.size());
  return address ? address->end - at : 0;
}

}  // namespace

Found get_sdp_header(std::string_view message, size_t from, SdpHeader type, SdpHeader term, TextRange& match) {
  const Form& form = form_of(type);
  const size_t limit = message.size();
  for (size_t at = from; at < limit; ++at) {
    if (!is_line_end(message[at])) continue;
    if (++at >= limit) break;
    if (message[at - 1] == '\r' && message[at] == '\n' && ++at >= limit) break;
    if (term != SdpHeader::kNone && word_at(message, at, form_of(term).name)) break;
    if (!word_at(message, at, form.name)) continue;

    at += form.name.size();
    match.offset = at;
    if (!form.search.empty()) {
      at = search_line(message, at, form.search);
      if (at == kNotThere) return Found::kBad;
      at += form.search.size();
    }
    match.length = length_of(message, at, type);
    if (match.length == 0) return Found::kBad;
    match.offset = at;
    return Found::kYes;
  }
  return Found::kNo;
}

Found parse_sdp_address(std::string_view message, size_t from, SdpHeader type, SdpHeader term, TextRange& match,
                        Be32& address) {
  const Found found = get_sdp_header(message, from, type, term, match);
  if (found != Found::kYes) return found;
  const std::optional<Address> parsed = parse_address(message, match.offset, match.end());
  if (!parsed) return Found::kBad;
  address = parsed->address;
  return Found::kYes;
}

}  // namespace nf::ct::sip
