// What is said of a miss is held against the rules' own text: a rule without the condition said, and one with nothing
// but it, are loaded and asked about the same packet. Only tests include it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/text.h"
#include "datapath/iptables/loader.h"
#include "datapath/iptables/program.h"

namespace nf::ipt {

// A miss as it was told.
struct ToldMiss {
  std::string rule;  // what iptables-save prints behind "-A CHAIN"
  Said why;
  bool only;
};

// What can be said of the header and of the matches of this folder; besides miss.match, of a match that says nothing
// finer (miss_test.cc).
inline std::set<std::string> base_miss_keys() {
  return {"miss.address_type",
          "miss.address_type_on",
          "miss.chunks",
          "miss.destination",
          "miss.destination_port",
          "miss.dscp",
          "miss.ect",
          "miss.icmp_type",
          "miss.in_device",
          "miss.is_fragment",
          "miss.later_fragment",
          "miss.length",
          "miss.limit",
          "miss.mac",
          "miss.mark",
          "miss.no_in_device",
          "miss.no_mac",
          "miss.no_out_device",
          "miss.no_tcp_options",
          "miss.not_fragment",
          "miss.out_device",
          "miss.packet_type",
          "miss.ports",
          "miss.protocol",
          "miss.short_header",
          "miss.source",
          "miss.source_port",
          "miss.tcp_flag_clear",
          "miss.tcp_flag_set",
          "miss.tcp_flags",
          "miss.tcp_options",
          "miss.tos",
          "miss.ttl"};
}

// Words at blanks; a quoted one is one word.
using RuleWords = std::vector<std::string>;
inline RuleWords rule_words(std::string_view text) {
  RuleWords out;
  bool quoted = false, open = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escaped = i > 0 && text[i - 1] == '\\';
    if (text[i] == '"' && !escaped) quoted = !quoted;
    if (text[i] == ' ' && !quoted) {
      open = false;
      continue;
    }
    if (!open) out.emplace_back();
    open = true;
    out.back() += text[i];
  }
  return out;
}
inline std::string joined(const RuleWords& words) {
  std::string out;
  for (const std::string& w : words) out += " " + w;
  return out;
}

// Where `piece` stands in `words` with its own "!" and no other; words.size(): nowhere.
inline size_t place_of(const RuleWords& piece, const RuleWords& words) {
  for (size_t i = 0; i + piece.size() <= words.size(); ++i) {
    if (i > 0 && words[i - 1] == "!") continue;
    if (std::equal(piece.begin(), piece.end(), words.begin() + static_cast<ptrdiff_t>(i))) return i;
  }
  return words.size();
}

// Where the match begun at `at` ("-m") ends.
inline size_t end_of_match(const RuleWords& words, size_t at) {
  do ++at;
  while (at < words.size() && words[at] != "-m");
  return at;
}

// iptables refuses these matches without a -p that suits them.
inline bool wants_protocol(const RuleWords& words, size_t at) {
  for (const char* name : {"tcp", "udp", "icmp", "sctp", "multiport"})
    if (words[at + 1] == name) return true;
  const auto begin = words.begin() + static_cast<ptrdiff_t>(at);
  const auto end = words.begin() + static_cast<ptrdiff_t>(end_of_match(words, at));
  return words[at + 1] == "ecn" &&
         std::any_of(begin, end, [](const std::string& w) { return w.starts_with("--ecn-tcp"); });
}

class MissTruth {
 public:
  // `run` asks the rules of `program` about the packet, anew each time.
  using Run = std::function<Verdict(Program& program, trace::Sink& sink)>;

  MissTruth(const ExtensionRegistry& registry, TableId table, HookPoint hook, Run run)
      : registry_(registry), table_(table), hook_(hook), run_(std::move(run)) {}

  // What becomes of the packet at a rule of these conditions.
  struct Answer {
    bool matched = false, dropped = false;  // by hotdrop
    ToldMiss miss = {};                     // neither
  };
  std::optional<Answer> ask(const std::string& conditions) const {
    Loader loader(registry_, {});
    const std::string hook(hook_name(hook_));
    const Status s = loader.parse("*" + std::string(table_name(table_)) + "\n:" + hook + " ACCEPT\n:one -\n-A " + hook +
                                      " -j one\n-A one" + conditions + "\nCOMMIT\n",
                                  "one");
    EXPECT_TRUE(s.ok()) << conditions << ": " << s.error().str();
    if (!s.ok()) return std::nullopt;
    Program program(loader.table(table_));
    Listener listener;
    const Verdict v = run_(program, listener);
    if (!listener.answer) return Answer{.dropped = v == Verdict::kDrop};
    return listener.answer;
  }

  // The miss was told of a rule of this packet. Counts the keys said.
  void check(const ToldMiss& told, std::map<std::string, int>& keys) const {
    ++keys[told.why.key];
    const RuleWords all = conditions_of(told.rule);
    ToldMiss miss = told;
    RuleWords left = all;
    for (size_t round = 0;; ++round) {
      SCOPED_TRACE("of" + joined(left) + " is said " + miss.why.key + ": " + miss.why.values[0] +
                   (miss.only ? ", the only one" : ""));
      const RuleWords piece = rule_words(miss.why.values[0]);
      const RuleWords rest = without(left, piece);
      const auto answer = ask(joined(rest));
      ASSERT_TRUE(answer);
      if (miss.only) {
        ASSERT_TRUE(answer->matched);
      }
      if (answer->matched || answer->dropped) {
        // Else it would have been the only one.
        if (answer->matched && !miss.only) {
          ASSERT_TRUE(not_asked(left, rest)) << joined(rest);
        }
        break;
      }
      if (place_of(piece, rest) == rest.size()) {
        ASSERT_NE(answer->miss.why.values[0], miss.why.values[0]);
      }
      miss = answer->miss;
      left = rest;
      ASSERT_LT(round, all.size());
    }
    // The bucket of a rule just loaded is full.
    if (told.why.key == "miss.limit") return;
    const std::string alone = joined(only(all, rule_words(told.why.values[0])));
    const auto answer = ask(alone);
    ASSERT_TRUE(answer);
    ASSERT_FALSE(answer->matched || answer->dropped) << alone << " of " << told.rule;
    if (told.why.values.size() > 1) {
      ASSERT_EQ(answer->miss.why.values[1], told.why.values[1]) << alone;
    }
  }

 private:
  class Listener final : public trace::Sink {
   public:
    std::optional<Answer> answer;
    bool detailed() const override { return true; }
    void event(const Packet&, const trace::Event& e) override {
      if (answer) return;
      if (const auto* m = std::get_if<trace::RuleMatched>(&e); m != nullptr && m->chain == "one" && m->number == 1)
        answer = Answer{.matched = true};
      if (const auto* m = std::get_if<trace::RuleMissed>(&e); m != nullptr && m->chain == "one")
        answer = Answer{.miss = {std::string(m->rule), *m->why, m->only}};
    }
  };

  static RuleWords conditions_of(std::string_view rule) {
    RuleWords words = rule_words(rule);
    const auto target = std::find_if(words.begin(), words.end(), [](const auto& w) { return w == "-j" || w == "-g"; });
    words.erase(target, words.end());
    return words;
  }

  static RuleWords without(RuleWords words, const RuleWords& piece) {
    const size_t at = place_of(piece, words);
    EXPECT_LT(at, words.size()) << joined(piece) << " in" << joined(words);
    if (at == words.size()) return words;
    words.erase(words.begin() + static_cast<ptrdiff_t>(at), words.begin() + static_cast<ptrdiff_t>(at + piece.size()));
    if (piece[0] != "-p") return words;
    for (size_t i = 0; i < words.size();) {
      const bool goes = words[i] == "-m" && wants_protocol(words, i);
      const size_t end = goes ? end_of_match(words, i) : i + 1;
      if (goes) words.erase(words.begin() + static_cast<ptrdiff_t>(i), words.begin() + static_cast<ptrdiff_t>(end));
      if (!goes) i = end;
    }
    return words;
  }

  // Nothing but the piece, and what must stand around it.
  static RuleWords only(const RuleWords& words, const RuleWords& piece) {
    RuleWords out;
    size_t at = place_of(piece, words);
    const std::string& option = piece[0] == "!" ? piece[1] : piece[0];
    RuleWords match = piece;
    if (option.starts_with("--")) {
      while (words[at] != "-m") --at;
      match.insert(match.begin(), {"-m", words[at + 1]});
    }
    if (match[0] == "-m" && wants_protocol(match, 0)) {
      const auto protocol = std::find(words.begin(), words.end(), "-p");
      out = {"-p", *(protocol + 1)};
    }
    out.insert(out.end(), match.begin(), match.end());
    return out;
  }

  // Whether there is in the rule what cannot be asked without doing something, or without its -p.
  static bool not_asked(const RuleWords& before, const RuleWords& rest) {
    for (size_t i = 0; i + 1 < rest.size(); ++i)
      if (rest[i] == "-m" && (rest[i + 1] == "limit" || rest[i + 1] == "string")) return true;
    if (std::find(rest.begin(), rest.end(), "--set") != rest.end()) return true;
    return std::find(before.begin(), before.end(), "-p") != before.end() &&
           std::find(rest.begin(), rest.end(), "-p") == rest.end();
  }

  const ExtensionRegistry& registry_;
  TableId table_;
  HookPoint hook_;
  Run run_;
};

// Keeps the misses of one packet.
class MissListener final : public trace::Sink {
 public:
  std::vector<ToldMiss> misses;
  bool detailed() const override { return true; }
  void event(const Packet&, const trace::Event& e) override {
    if (const auto* m = std::get_if<trace::RuleMissed>(&e)) misses.push_back({std::string(m->rule), *m->why, m->only});
  }
};

}  // namespace nf::ipt
