#include "conntrack/helper/irc.h"

#include <algorithm>

#include "conntrack/helper/number.h"
#include "conntrack/helper/payload.h"
#include "datapath/base/text.h"

namespace nf::ct {
namespace {

constexpr ExpectPolicy kPolicies[] = {{.name = "", .max_expected = 8, .timeout = 300}};
constexpr size_t kMaxSearch = 4095;
constexpr std::string_view kOffers[] = {"SEND ", "CHAT ", "MOVE ", "TSEND ", "SCHAT "};
// Behind " :" at least so much follows of the shortest offer, counted from " :".
constexpr size_t kShortest = 26;

bool begins_with_privmsg(std::string_view s) {
  constexpr std::string_view kWord = "privmsg ";
  for (size_t i = 0; i < kWord.size(); ++i) {
    const char c = s[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c) != kWord[i]) return false;
  }
  return true;
}

}  // namespace

std::span<const ExpectPolicy> IrcHelper::policies() const { return kPolicies; }

std::optional<DccOffer> parse_dcc(std::string_view text) {
  // The name of what is offered. At least 12: "AAAAAAAA P\1\n"
  size_t at = 0;
  for (;;) {
    if (at >= text.size()) return std::nullopt;
    if (text[at++] == ' ') break;
    if (at + 12 > text.size()) return std::nullopt;
  }
  // Numbers end with the line at the latest, so within the packet.
  const size_t newline = text.find('\n', at);
  if (newline == std::string_view::npos) return std::nullopt;

  std::string_view rest = text.substr(at, newline - at);
  const char* const begin = rest.data();
  DccOffer offer;
  offer.address = be32(static_cast<uint32_t>(take_number(rest)));
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  offer.port = static_cast<uint16_t>(take_number(rest));
  offer.offset = static_cast<unsigned>(at);
  offer.length = static_cast<unsigned>(rest.data() - begin);
  return offer;
}

// twin: help
Verdict IrcHelper::help(const HelpInput& in) const {
  // Only what the client says, and not before there was an answer.
  if (in.ctinfo() != CtInfo::kEstablished) return Verdict::kAccept;
  const std::string_view payload = tcp_payload(in.transport()).substr(0, kMaxSearch);
  std::string_view rest = payload;
  while (rest.size() > 10 && (rest.front() == ' ' || rest.front() == '\r' || rest.front() == '\n'))
    rest.remove_prefix(1);
  if (rest.size() > 10) {
    if (!begins_with_privmsg(rest)) return Verdict::kAccept;
    rest.remove_prefix(8);
  }
  while (rest.size() > kShortest) {
    if (!rest.starts_with(" :")) {
      rest.remove_prefix(1);
      continue;
    }
    rest.remove_prefix(2);
    if (!rest.starts_with("\1DCC ")) return Verdict::kAccept;
    rest.remove_prefix(5);
    // What was looked at and did not do stays passed over, for the next word as for the next " :".
    for (const std::string_view word : kOffers) {
      if (!rest.starts_with(word)) continue;
      rest.remove_prefix(word.size());
      std::optional<DccOffer> offer = parse_dcc(rest);
      if (!offer || !believable(in, *offer)) continue;
      offer->offset += static_cast<unsigned>(rest.data() - payload.data());
      return expect(in, *offer);
    }
  }
  return Verdict::kAccept;
}

// The client may name its own address or the one NAT gives it.
bool IrcHelper::believable(const HelpInput& in, const DccOffer& offer) const {
  const Be32 own = in.c.original().source;
  if ((offer.address == own || offer.address == in.c.reply().destination) && offer.port != 0) return true;
  in.conntrack.stack().log(strf("nf_conntrack_irc: Forged DCC command from %s: %s:%u", format_ipv4(own).c_str(),
                                format_ipv4(offer.address).c_str(), offer.port));
  return false;
}

Verdict IrcHelper::expect(const HelpInput& in, const DccOffer& offer) const {
  Expectation e = Expectations::make(in.c, 0, nullptr, in.c.reply().destination, kProtoTcp, nullptr, be16(offer.port));
  if (nat_ != nullptr && (in.c.status & kNatMask) != 0) return nat_->expect(in, offer.offset, offer.length, e);
  if (in.conntrack.expectations().related(e, in.now()) != ExpectError::kNone) return drop(in, "cannot add expectation");
  return Verdict::kAccept;
}

}  // namespace nf::ct
