// Stand-ins for matches and targets that iptables knows and this program does not: they keep their options verbatim
// and are never asked. A rule with one is counted and drops its packets (DropReason::kUnmodelled), see Program.
#pragma once

#include <string>
#include <string_view>

#include "datapath/iptables/extension.h"
#include "datapath/iptables/words.h"

namespace nf::ipt {

// The options of one stand-in, as the rule has them.
class VerbatimOptions {
 public:
  // words[begin, end) is one option with its arguments.
  void take(const Words& words, size_t begin, size_t end, bool inverted);
  const std::string& text() const { return text_; }  // each word with a leading blank

 private:
  std::string text_;
};

class UnmodelledMatch final : public Match {
 public:
  explicit UnmodelledMatch(std::string_view name) : name_(name) {}
  VerbatimOptions& options() { return options_; }
  std::string_view name() const override { return name_; }
  Result<bool> parse_option(OptionReader&) override { return false; }
  void save(std::string& out) const override { out += options_.text(); }
  void list(std::string& out, bool) const override { out += " " + name_ + options_.text(); }
  bool modelled() const override { return false; }
  bool match(const MatchInput&) override { return false; }

 private:
  std::string name_;
  VerbatimOptions options_;
};

class UnmodelledTarget final : public Target {
 public:
  explicit UnmodelledTarget(std::string_view name) : name_(name) {}
  VerbatimOptions& options() { return options_; }
  std::string_view name() const override { return name_; }
  Result<bool> parse_option(OptionReader&) override { return false; }
  void save(std::string& out) const override { out += options_.text(); }
  void list(std::string& out, bool) const override { out += options_.text(); }
  bool modelled() const override { return false; }
  TargetVerdict target(PacketPtr&, const HookState&) override { return TargetVerdict::kDrop; }

 private:
  std::string name_;
  VerbatimOptions options_;
};

}  // namespace nf::ipt
