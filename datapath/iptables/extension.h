// Matches and targets: the interface every extension implements, and the registry they are looked up in.
// twin: struct xt_match / xt_target with the iptables userspace plug-in of the same name (libxt_*.c)
//
// An extension object stands for one use in one rule: it parses its own options, prints itself in both forms, and
// is asked at run time. conntrack and nat register theirs from their own folders.
//
// Text rules (bytes must equal iptables 1.8.9's):
//  - save() appends what iptables-save prints for the options, each with a leading blank (" --dport 80"); the
//    parser/printer prints " -m NAME" or " -j NAME" before it.
//  - list() appends what `iptables -L -n -v` prints, with the leading blank the real one has (" tcp dpt:80").
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"
#include "datapath/hook/hook.h"
#include "datapath/hook/stack.h"
#include "datapath/trace/said.h"

namespace nf::ipt {

enum class TableId : uint8_t { kRaw, kMangle, kNat, kFilter, kSecurity };
inline constexpr size_t kTables = 5;
std::string_view table_name(TableId t);
std::optional<TableId> table_by_name(std::string_view name);

// One option of a rule on its way through the parsers: its name ("--dport") and the arguments behind it.
class OptionReader {
 public:
  OptionReader(std::string_view name, bool inverted, const std::vector<std::string>& words, size_t next)
      : name_(name), inverted_(inverted), words_(words), next_(next) {}
  std::string_view name() const { return name_; }
  // "!" stood before the option, or (old style) directly after it. Options that cannot be inverted must refuse it.
  bool inverted() const { return inverted_; }
  // The next argument; an error "option "--dport" requires an argument" when there is none.
  Result<std::string_view> argument();
  // Whether another argument that does not begin with "-" or "!" follows.
  bool has_argument() const;
  size_t next() const { return next_; }

 private:
  std::string_view name_;
  bool inverted_;
  const std::vector<std::string>& words_;
  size_t next_;
};

// What an extension may know of its rule when the rule is whole.
struct RuleContext {
  TableId table;
  std::string_view chain;
  uint8_t protocol;  // of -p; 0: any
  bool protocol_inverted;
  uint8_t hooks;  // bit per HookPoint from which this chain can be reached; 0 until known
};

// A packet under test. Header pointers were proved.
struct MatchInput {
  const Packet& packet;
  const Ipv4Header& ip;
  std::span<const uint8_t> transport;  // behind the IP header, to the packet's end
  uint16_t fragment_offset;            // units of 8 bytes; non-zero: there is no transport header
  const HookState& state;
  bool& hotdrop;  // set to drop the packet at once (twin: par->hotdrop)
};

// Fields that the compiled program compares without a call. A match that is nothing but these folds into them.
struct PortRanges {
  uint16_t source_min = 0, source_max = 0xffff;
  uint16_t destination_min = 0, destination_max = 0xffff;
};

class Extension {
 public:
  virtual ~Extension() = default;
  virtual std::string_view name() const = 0;
  // What iptables -L calls it: the kernel's name, where name() is an alias of the command line.
  virtual std::string_view list_name() const { return name(); }
  // False when the option is not one of this extension's.
  virtual Result<bool> parse_option(OptionReader& option) = 0;
  // Called when all options were seen: required options, combinations, table and hook. Text as iptables has it.
  // Called again, with the hooks, when the whole table was read and each time it is loaded anew: must be repeatable.
  virtual Status finish(const RuleContext&) { return {}; }
  virtual void save(std::string& out) const = 0;
  virtual void list(std::string& out, bool numeric) const = 0;
  // The rule becomes live / ceases to be: what checkentry() and destroy() do in the kernel (conntrack activation).
  virtual void attach(Stack&) {}
  virtual void detach(Stack&) {}
  // Known to iptables but not modelled: reaching the rule is exit code 3, see iptables.h.
  virtual bool modelled() const { return true; }
};

// Why a match does not hold for a packet.
struct Miss {
  // The first of its conditions that fails, in the order the kernel asks them. values[0] can be taken out of the
  // rule's saved text: one option, or "-m NAME" with all of them when the match cannot do without that option.
  Said why;
  bool rest = true;  // without that condition the match holds, or is gone
};

class Match : public Extension {
 public:
  virtual bool match(const MatchInput& in) = 0;
  // Fills `ranges` and returns true when, for an unfragmented packet with a whole transport header, match() is
  // exactly this comparison.
  virtual bool fold(PortRanges&) const { return false; }
  // Whether asking changes nothing; false for limit, whose bucket it empties, and for what marks the connection.
  virtual bool pure() const { return true; }
  // Whether a rule without -p of some protocol is refused for this match: when -p is taken out, the match goes, too.
  virtual bool needs_protocol() const { return false; }
  // Why match() was false, without hotdrop, for this packet. Changes nothing. The default names all the options.
  virtual Miss explain_miss(const MatchInput& in) const;

 protected:
  // "-m NAME" and all the options: the condition that the whole match is.
  std::string whole_text() const;
  // `option` (as saved, without the leading blank), or whole_text() when it is all that the match has.
  std::string piece_text(std::string option) const;
  // For a match that reads a transport header: there is none in a later fragment.
  Miss later_fragment(const MatchInput& in) const;
};

// What a target decides. kContinue: go on with the next rule (XT_CONTINUE).
enum class TargetVerdict : uint8_t { kContinue, kAccept, kDrop, kReturn, kStolen };

class Target : public Extension {
 public:
  // May change the packet. For kDrop it sets Packet::drop_reason when it is not kIptablesRule.
  virtual TargetVerdict target(PacketPtr& p, const HookState& state) = 0;
};

struct MatchSpec {
  std::string name;
  std::function<std::unique_ptr<Match>()> create;
};
struct TargetSpec {
  std::string name;
  std::function<std::unique_ptr<Target>()> create;
};

class ExtensionRegistry {
 public:
  void add(MatchSpec spec) { matches_[spec.name] = std::move(spec); }
  void add(TargetSpec spec) { targets_[spec.name] = std::move(spec); }
  const MatchSpec* match(std::string_view name) const;
  const TargetSpec* target(std::string_view name) const;

 private:
  std::map<std::string, MatchSpec, std::less<>> matches_;
  std::map<std::string, TargetSpec, std::less<>> targets_;
};

// The extensions that need nothing but the packet and the Stack, each in its file xt_NAME.cc.
void register_base_extensions(ExtensionRegistry& registry);

}  // namespace nf::ipt
