// The rule model: what the parser makes, the printers print and the compiler flattens.
// twin: struct ipt_entry with its matches and target; struct chain_head and rule_head, libiptc/libiptc.c
//
// Ownership: a TableModel is a value; copies share the Rule objects, so a table that is changed line by line on a
// copy can be thrown away or swapped in whole. A Rule owns its extensions.
// Invariants:
//  1. chains: the built-in ones in hook order, then the others sorted by name (bytes).
//  2. A jump names a chain by its id, which stays with the chain, so renaming a chain moves its users. Ids are used
//     again only after flush(), when no jump is left.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/byteorder.h"
#include "datapath/base/result.h"
#include "datapath/iptables/extension.h"

namespace nf::ipt {

struct Counters {
  uint64_t packets = 0, bytes = 0;
};

enum class TargetKind : uint8_t { kNone, kAccept, kDrop, kReturn, kJump, kExtension };

// The conditions of a rule's own, in the order they are asked and printed. twin: ip_packet_match, print_rule4
enum class HeaderField : uint8_t { kSource, kDestination, kIn, kOut, kProtocol, kFragment };
inline constexpr size_t kHeaderFields = 6;

struct Rule {
  Be32 source, source_mask, destination, destination_mask;  // address is masked
  std::string in, out;                                      // as written ("eth+"); empty: any
  uint8_t protocol = 0;                                     // 0: any
  bool fragment = false;                                    // -f
  // "!" before the option. twin: IPT_INV_*
  bool not_source = false, not_destination = false, not_in = false, not_out = false, not_protocol = false,
       not_fragment = false;
  std::vector<std::unique_ptr<Match>> matches;

  TargetKind kind = TargetKind::kNone;
  bool is_goto = false;            // kJump by -g
  uint32_t jump = 0;               // kJump: Chain::id
  std::unique_ptr<Target> target;  // kExtension

  std::string file;  // where it was written
  int line = 0;

  // Nothing is asked of the packet. twin: unconditional()
  bool unconditional() const;
  // Whether one of them holds, or is not asked for; the device names are "" when there is no device.
  bool holds(HeaderField field, const Ipv4Header& ip, std::string_view in_name, std::string_view out_name) const;
  // twin: ip_packet_match
  bool matches_header(const Ipv4Header& ip, std::string_view in_name, std::string_view out_name) const;
};

// "eth+" is a prefix, everything else a whole name. twin: ifname_compare_aligned with xtables_parse_interface's mask
bool interface_matches(std::string_view pattern, std::string_view name);

struct RuleEntry {
  std::shared_ptr<Rule> rule;
  Counters counters;  // at load time; the live ones are the Program's
  uint8_t hooks = 0;  // bit per HookPoint it is reached from, set by check_table(). twin: ipt_entry::comefrom
};

struct Chain {
  std::string name;
  uint32_t id = 0;
  std::optional<HookPoint> hook;  // built-in
  bool accept = true;             // policy of a built-in chain
  Counters counters;              // of the policy
  std::vector<RuleEntry> rules;
};

// twin: XT_EXTENSION_MAXNAMELEN, with its NUL
inline constexpr size_t kMaxName = 29;

class TableModel {
 public:
  explicit TableModel(TableId id);
  TableId id() const { return id_; }
  std::string_view name() const { return table_name(id_); }
  std::vector<Chain>& chains() { return chains_; }
  const std::vector<Chain>& chains() const { return chains_; }
  Chain* find(std::string_view name);
  const Chain* find(std::string_view name) const;
  // The chain at a hook; null when the table has none there.
  const Chain* at(HookPoint hook) const;
  const Chain& by_id(uint32_t id) const { return chains_[place_[id]]; }
  // Rules that jump or go to the chain.
  size_t references(uint32_t id) const;
  // The same for all chains at once, in their order.
  std::vector<size_t> references() const;
  // "ACCEPT", "LOG", the chain jumped to; empty: no target.
  std::string_view target_name(const Rule& r) const;

  // The commands, with iptables' own refusals as text. `number` is 1-based.
  Status create_chain(std::string_view name);
  Status delete_chain(std::string_view name);
  Status rename_chain(std::string_view from, std::string_view to);
  Status set_policy(std::string_view chain, std::string_view policy);
  Status insert(std::string_view chain, uint32_t number, RuleEntry entry);
  Status append(std::string_view chain, RuleEntry entry);
  Status replace(std::string_view chain, uint32_t number, RuleEntry entry);
  Status remove(std::string_view chain, uint32_t number);
  // Every rule of every chain and every chain that is not built in; policies stay. twin: what iptables-restore does
  void flush();

 private:
  Result<Chain*> existing(std::string_view name);
  void insert_sorted(Chain chain);
  void erase(const Chain& chain);
  // Chains from this place on have moved.
  void renumber(size_t from);

  TableId id_;
  uint32_t next_id_ = 0;
  std::vector<Chain> chains_;
  std::vector<uint32_t> place_;  // by Chain::id
};

// The kernel's checks of a whole table: no chain reaches itself from a hook; every rule's extensions agree with the
// hooks it can be reached from (RuleEntry::hooks is set). Errors carry the place of the rule.
// twin: mark_source_chains and find_check_entry, net/ipv4/netfilter/ip_tables.c
Status check_table(TableModel& table);

}  // namespace nf::ipt
