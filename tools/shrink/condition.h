// What must still hold of a capture and a lab when they are made small: the language of `hookpoint shrink --until`.
//
//   CONDITION = TERM { "and" TERM }
//   TERM      = [ "not" ] [ ABOUT ] [ "not" ] WHAT
//   ABOUT     = "packet" N | 'FILTER'                 one packet, by its number in the captures; tcpdump's expression
//   WHAT      = "dropped" [ REASON ]                  "dropped TtlExpired"
//             | "sent" "on" LINK                      the packet itself, not what the host answers
//             | "delivered"                           to this host
//             | "rule" TABLE:CHAIN:N "hit"            N of the lab as it was read, or "policy"
//             | "rule" 'TEXT' "hit"                   a rule that iptables-save prints so, or with this in it
//             | "why" KEY                             a key of the words table is told: "nat_skip.invalid", "invalid.*"
//             | "event" 'LINE'                        an event of conntrack -E with these words
//             | "differs" LAB_B                       another lab makes something else of it (`hookpoint diff`)
//
// A term holds when some packet does WHAT (the one of ABOUT, one of those it selects); "not" in front of a term: no
// packet does; "not" behind ABOUT: some packet of those does not. Quotes are ' or ".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"

namespace nf::shrink {

enum class What : uint8_t { kDropped, kSent, kDelivered, kRule, kWhy, kEvent, kDiffers };

struct Term {
  bool no_packet = false;  // "not" in front
  bool does_not = false;   // "not" behind ABOUT
  uint64_t packet = 0;     // 0: any
  std::string filter;      // empty: any
  What what{};
  // kDropped: the reason's name or nothing; kSent: the link; kRule: TABLE:CHAIN:N or the text; kWhy: the key; kEvent:
  // the line; kDiffers: the folder.
  std::string argument;
  bool by_text = false;  // kRule: `argument` was quoted
  size_t at = 0;         // where WHAT stands in the text, from 1
};

struct Condition {
  std::string text;  // as it was written, in one line
  std::vector<Term> terms;

  bool uses(What what) const;
  const Term* first(What what) const;
};

// Errors: "at 9: ...", counting characters from 1.
Result<Condition> parse_condition(std::string_view text);

}  // namespace nf::shrink
