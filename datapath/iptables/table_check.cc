#include <unordered_map>

#include "datapath/base/text.h"
#include "datapath/iptables/rule.h"

namespace nf::ipt {
namespace {

// Where a walk stands in a chain it has not finished.
struct Step {
  size_t chain;
  size_t rule;
};

// A rule that ends its chain for every packet: the kernel's walk does not look behind it.
bool ends_chain(const Rule& r) {
  const bool verdict = r.kind == TargetKind::kAccept || r.kind == TargetKind::kDrop || r.kind == TargetKind::kReturn;
  return verdict && r.unconditional();
}

class Walk {
 public:
  explicit Walk(TableModel& table) : table_(table) {
    for (size_t i = 0; i < table.chains().size(); ++i) index_[table.chains()[i].id] = i;
  }

  // Marks everything that is reached from the built-in chain with its hook.
  Status from(size_t built_in) {
    enum : uint8_t { kUnseen, kOpen, kDone };
    std::vector<uint8_t> seen(table_.chains().size(), kUnseen);
    const uint8_t bit = static_cast<uint8_t>(1u << static_cast<unsigned>(*table_.chains()[built_in].hook));
    std::vector<Step> open{{built_in, 0}};
    seen[built_in] = kOpen;
    while (!open.empty()) {
      Step& step = open.back();
      auto& rules = table_.chains()[step.chain].rules;
      if (step.rule == rules.size()) {
        seen[step.chain] = kDone;
        open.pop_back();
        continue;
      }
      RuleEntry& entry = rules[step.rule];
      const Rule& r = *entry.rule;
      entry.hooks |= bit;
      step.rule = ends_chain(r) ? rules.size() : step.rule + 1;
      if (r.kind != TargetKind::kJump) continue;
      const size_t next = index_.at(r.jump);
      if (seen[next] == kOpen)
        return error_at(r.file, r.line,
                        strf("Too many levels of symbolic links: chain `%s' of table `%s' is reached from itself",
                             table_.chains()[next].name.c_str(), std::string(table_.name()).c_str()));
      if (seen[next] == kUnseen) {
        seen[next] = kOpen;
        open.push_back({next, 0});
      }
    }
    return {};
  }

 private:
  TableModel& table_;
  std::unordered_map<uint32_t, size_t> index_;
};

Status check_rule(const TableModel& table, const Chain& chain, const RuleEntry& entry) {
  Rule& r = *entry.rule;
  const RuleContext context{table.id(), chain.name, r.protocol, r.not_protocol, entry.hooks};
  for (const auto& m : r.matches)
    if (Status s = m->finish(context); !s) return error_at(r.file, r.line, s.error().text);
  if (r.kind == TargetKind::kExtension)
    if (Status s = r.target->finish(context); !s) return error_at(r.file, r.line, s.error().text);
  return {};
}

}  // namespace

Status check_table(TableModel& table) {
  for (Chain& c : table.chains())
    for (RuleEntry& e : c.rules) e.hooks = 0;
  Walk walk(table);
  for (size_t i = 0; i < table.chains().size(); ++i)
    if (table.chains()[i].hook)
      if (Status s = walk.from(i); !s) return s;
  for (const Chain& c : table.chains())
    for (const RuleEntry& e : c.rules)
      if (Status s = check_rule(table, c, e); !s) return s;
  return {};
}

}  // namespace nf::ipt
