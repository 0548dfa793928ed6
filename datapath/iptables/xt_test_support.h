// What the tests of the extensions share: making one from the words of a rule, and packets from hexadecimal text.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/hook/fake_stack.h"
#include "datapath/iptables/xt_base.h"

namespace nf::ipt {

// Splits at blanks; a word in single quotes keeps its blanks, '' is an empty word.
inline std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    if (text.front() == ' ') {
      text.remove_prefix(1);
      continue;
    }
    const bool quoted = text.front() == '\'';
    if (quoted) text.remove_prefix(1);
    const size_t end = std::min(text.find(quoted ? '\'' : ' '), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + (quoted ? 1 : 0), text.size()));
  }
  return words;
}

inline const ExtensionRegistry& base_registry() {
  static const ExtensionRegistry registry = [] {
    ExtensionRegistry r;
    register_base_extensions(r);
    return r;
  }();
  return registry;
}

inline RuleContext rule_context(uint8_t protocol, TableId table = TableId::kFilter,
                                std::string_view chain = "FORWARD") {
  uint8_t hooks = 0;
  for (size_t h = 0; h < kHookPoints; ++h) {
    if (hook_name(static_cast<HookPoint>(h)) == chain) hooks = static_cast<uint8_t>(1u << h);
  }
  return {.table = table, .chain = chain, .protocol = protocol, .protocol_inverted = false, .hooks = hooks};
}

// Feeds every word to the extension, as a rule's parser does, and finishes it.
inline Status configure(Extension& extension, std::string_view text, const RuleContext& rule) {
  const std::vector<std::string> words = words_of(text);
  bool inverted = false;
  for (size_t i = 0; i < words.size();) {
    if (words[i] == "!") {
      inverted = true;
      ++i;
      continue;
    }
    OptionReader option(words[i], inverted, words, i + 1);
    inverted = false;
    const auto taken = extension.parse_option(option);
    if (!taken) return taken.error();
    if (!*taken) return error("not an option: " + words[i]);
    i = option.next();
  }
  return extension.finish(rule);
}

inline std::unique_ptr<Match> make_match(std::string_view name, std::string_view text, const RuleContext& rule) {
  auto match = base_registry().match(name)->create();
  const Status s = configure(*match, text, rule);
  EXPECT_TRUE(s.ok()) << name << " " << text << ": " << s.error().text;
  return match;
}
inline std::unique_ptr<Target> make_target(std::string_view name, std::string_view text, const RuleContext& rule) {
  auto target = base_registry().target(name)->create();
  const Status s = configure(*target, text, rule);
  EXPECT_TRUE(s.ok()) << name << " " << text << ": " << s.error().text;
  return target;
}

inline std::string save_text(const Extension& e) {
  std::string out;
  e.save(out);
  return out;
}
inline std::string list_text(const Extension& e, bool numeric) {
  std::string out;
  e.list(out, numeric);
  return out;
}

inline std::vector<uint8_t> bytes_of(std::string_view hex) {
  const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(digit(hex[i]) << 4 | digit(hex[i + 1])));
  return bytes;
}
inline std::string hex_of(std::span<const uint8_t> bytes) {
  std::string text;
  for (const uint8_t b : bytes) {
    text += "0123456789abcdef"[b >> 4];
    text += "0123456789abcdef"[b & 15];
  }
  return text;
}

// An IPv4 packet as received: `ethernet` (14 bytes of hex, or empty) in front as its link-layer header. The length in
// its header need not be that of the bytes.
inline PacketPtr make_packet(PacketPool& pool, std::string_view ip_hex, std::string_view ethernet = {}) {
  const auto link = bytes_of(ethernet);
  const auto ip = bytes_of(ip_hex);
  PacketPtr p = pool.allocate(static_cast<uint32_t>(link.size() + ip.size()));
  std::copy(link.begin(), link.end(), p->put(static_cast<uint32_t>(link.size())));
  if (!link.empty()) p->set_mac_header();
  p->pull(static_cast<uint32_t>(link.size()));
  std::copy(ip.begin(), ip.end(), p->put(static_cast<uint32_t>(ip.size())));
  return p;
}

struct MatchOutcome {
  bool matched, hotdrop;
};
inline MatchOutcome run_match(Match& match, const Packet& p, const HookState& state) {
  bool hotdrop = false;
  const MatchInput in{p, p.ip(), p.transport(), static_cast<uint16_t>(p.ip().fragment_offset()), state, hotdrop};
  const bool matched = match.match(in);
  return {matched, hotdrop};
}
// For a packet that run_match() found not to match, without hotdrop.
inline Miss explain(const Match& match, const Packet& p, const HookState& state) {
  bool hotdrop = false;
  return match.explain_miss(
      {p, p.ip(), p.transport(), static_cast<uint16_t>(p.ip().fragment_offset()), state, hotdrop});
}

}  // namespace nf::ipt
