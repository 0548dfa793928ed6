// Why a rule's counter does not move: every packet's way to it, gathered into a few groups, the most telling first.
//
// Of packets that never came to the rule those count most that its conditions fit (RuleProbe): they are the ones it was
// written for. What neither came to it nor fits it is one group, the last.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/explain/reach.h"
#include "tools/words/words.h"

namespace nf::explain {

struct WhyNotGroup {
  enum class Kind : uint8_t { kFitsUnreached, kMissedOnly, kUnreached, kMissed, kDoesNotFit };
  Kind kind{};
  uint64_t packets = 0;
  Said why;                    // of the first packet
  uint64_t first = 0;          // its number
  std::string device, packet;  // its line
  bool made = false;           // this host made it because of packet `first`
  bool follows = false;        // from what the connection's first packet met (Reach::follows)
  int closeness = 0;
  std::map<std::string, uint64_t> has;  // missed: what the packets have instead
};

class WhyNot {
 public:
  WhyNot(Rule rule, std::vector<Rule> rules) : rule_(std::move(rule)), rules_(std::move(rules)) {}
  const Rule& rule() const { return rule_; }

  // `fits`: whether the conditions hold for the story's own packet, as far as known.
  void story(const trace::Story& story, std::optional<bool> fits);

  uint64_t packets() const { return packets_; }
  uint64_t matched() const { return matched_.packets; }
  std::vector<WhyNotGroup> groups() const;
  // A few lines for people; at most 15.
  std::string text(words::Language language) const;
  // One object, one line.
  std::string json(words::Language language) const;

 private:
  void add(WhyNotGroup& group, const Walk& walk, Said why);

  Rule rule_;
  std::vector<Rule> rules_;
  uint64_t packets_ = 0;
  WhyNotGroup matched_;
  std::map<std::string, WhyNotGroup> groups_;
};

}  // namespace nf::explain
