// A sentence about a packet before it has words: a key of the words table (tools/words) and what stands in its blanks.
// Made only for somebody who wants to know (a traced packet, a miss that is told).
#pragma once

#include <string>
#include <vector>

namespace nf {

// Invariants:
//  1. `key` is a row of tools/words/words.inc; tools/check_words holds every key in the sources against it.
//  2. `values` fill {0}, {1}, ...: netfilter's own words, addresses, numbers, which no language changes.
//  3. `inner` fill {a}, {b}, ...: sentences inside the sentence, put into the same language.
//  4. Of a miss ("miss.*"), {0} is the condition as iptables-save prints it in the rule ("! -o docker0", "--dport 80":
//     a piece of the rule's text that stands by itself), {1} what this packet has instead.
struct Said {
  std::string key;  // empty: nothing is said
  std::vector<std::string> values;
  std::vector<Said> inner;

  explicit operator bool() const { return !key.empty(); }
  bool operator==(const Said&) const = default;
};

}  // namespace nf
