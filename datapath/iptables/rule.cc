#include "datapath/iptables/rule.h"

#include <algorithm>

#include "datapath/base/text.h"

namespace nf::ipt {
namespace {

std::span<const HookPoint> built_in_hooks(TableId id) {
  using H = HookPoint;
  static constexpr H kRaw[] = {H::kPreRouting, H::kLocalOut};
  static constexpr H kAll[] = {H::kPreRouting, H::kLocalIn, H::kForward, H::kLocalOut, H::kPostRouting};
  static constexpr H kNat[] = {H::kPreRouting, H::kLocalIn, H::kLocalOut, H::kPostRouting};
  static constexpr H kFilter[] = {H::kLocalIn, H::kForward, H::kLocalOut};
  switch (id) {
    case TableId::kRaw:
      return kRaw;
    case TableId::kMangle:
      return kAll;
    case TableId::kNat:
      return kNat;
    case TableId::kFilter:
    case TableId::kSecurity:
      break;
  }
  return kFilter;
}

bool is_verdict_name(std::string_view name) {
  return name == "ACCEPT" || name == "DROP" || name == "QUEUE" || name == "RETURN";
}

Error no_such_chain(const TableModel& table, std::string_view name) {
  return error(strf("No chain/target/match by that name: chain `%s' in table `%s'", std::string(name).c_str(),
                    std::string(table.name()).c_str()));
}

}  // namespace

bool Rule::unconditional() const {
  return source_mask.is_zero() && destination_mask.is_zero() && in.empty() && out.empty() && protocol == 0 &&
         !fragment && !not_source && !not_destination && matches.empty();
}

bool interface_matches(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return true;
  if (pattern.back() == '+') return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return name == pattern;
}

bool Rule::holds(HeaderField field, const Ipv4Header& ip, std::string_view in_name, std::string_view out_name) const {
  switch (field) {
    case HeaderField::kSource:
      return ((ip.source & source_mask) == source) != not_source;
    case HeaderField::kDestination:
      return ((ip.destination & destination_mask) == destination) != not_destination;
    case HeaderField::kIn:
      return interface_matches(in, in_name) != not_in;
    case HeaderField::kOut:
      return interface_matches(out, out_name) != not_out;
    case HeaderField::kProtocol:
      return protocol == 0 || (ip.protocol == protocol) != not_protocol;
    case HeaderField::kFragment:
      return !fragment || (ip.fragment_offset() != 0) != not_fragment;
  }
  return true;
}

bool Rule::matches_header(const Ipv4Header& ip, std::string_view in_name, std::string_view out_name) const {
  for (size_t f = 0; f < kHeaderFields; ++f)
    if (!holds(static_cast<HeaderField>(f), ip, in_name, out_name)) return false;
  return true;
}

TableModel::TableModel(TableId id) : id_(id) {
  for (const HookPoint hook : built_in_hooks(id)) {
    Chain chain;
    chain.name = hook_name(hook);
    chain.id = next_id_++;
    chain.hook = hook;
    chains_.push_back(std::move(chain));
  }
  renumber(0);
}

Chain* TableModel::find(std::string_view name) {
  return const_cast<Chain*>(static_cast<const TableModel*>(this)->find(name));
}

const Chain* TableModel::find(std::string_view name) const {
  auto user = chains_.begin();
  for (; user != chains_.end() && user->hook; ++user)
    if (user->name == name) return &*user;
  const auto at =
      std::lower_bound(user, chains_.end(), name, [](const Chain& c, std::string_view n) { return c.name < n; });
  return at != chains_.end() && at->name == name ? &*at : nullptr;
}

const Chain* TableModel::at(HookPoint hook) const {
  for (const Chain& c : chains_)
    if (c.hook == hook) return &c;
  return nullptr;
}

size_t TableModel::references(uint32_t id) const {
  size_t n = 0;
  for (const Chain& c : chains_)
    for (const RuleEntry& e : c.rules) n += e.rule->kind == TargetKind::kJump && e.rule->jump == id;
  return n;
}

std::vector<size_t> TableModel::references() const {
  std::vector<size_t> out(chains_.size());
  for (const Chain& c : chains_)
    for (const RuleEntry& e : c.rules)
      if (e.rule->kind == TargetKind::kJump) ++out[place_[e.rule->jump]];
  return out;
}

void TableModel::renumber(size_t from) {
  place_.resize(next_id_);
  for (size_t i = from; i < chains_.size(); ++i) place_[chains_[i].id] = static_cast<uint32_t>(i);
}

void TableModel::erase(const Chain& chain) {
  const auto at = &chain - chains_.data();
  chains_.erase(chains_.begin() + at);
  renumber(static_cast<size_t>(at));
}

std::string_view TableModel::target_name(const Rule& r) const {
  switch (r.kind) {
    case TargetKind::kNone:
      return {};
    case TargetKind::kAccept:
      return "ACCEPT";
    case TargetKind::kDrop:
      return "DROP";
    case TargetKind::kReturn:
      return "RETURN";
    case TargetKind::kJump:
      return by_id(r.jump).name;
    case TargetKind::kExtension:
      return r.target->name();
  }
  return {};
}

Result<Chain*> TableModel::existing(std::string_view name) {
  Chain* c = find(name);
  if (c == nullptr) return no_such_chain(*this, name);
  return c;
}

void TableModel::insert_sorted(Chain chain) {
  const auto user = std::find_if(chains_.begin(), chains_.end(), [](const Chain& c) { return !c.hook; });
  const auto at =
      std::lower_bound(user, chains_.end(), chain, [](const Chain& a, const Chain& b) { return a.name < b.name; });
  const auto place = at - chains_.begin();
  chains_.insert(at, std::move(chain));
  renumber(static_cast<size_t>(place));
}

Status TableModel::create_chain(std::string_view name) {
  if (find(name) != nullptr || is_verdict_name(name))
    return error(strf("Chain already exists: `%s'", std::string(name).c_str()));
  if (name.empty() || name.size() >= kMaxName)
    return error(strf("Invalid chain name `%s' (%zu chars max)", std::string(name).c_str(), kMaxName - 1));
  Chain chain;
  chain.name = name;
  chain.id = next_id_++;
  insert_sorted(std::move(chain));
  return {};
}

Status TableModel::delete_chain(std::string_view name) {
  auto found = existing(name);
  if (!found) return found.error();
  Chain& c = **found;
  if (c.hook) return error(strf("Can't delete built-in chain `%s'", c.name.c_str()));
  if (references(c.id) != 0) return error(strf("Can't delete chain with references left: `%s'", c.name.c_str()));
  if (!c.rules.empty()) return error(strf("Chain is not empty: `%s'", c.name.c_str()));
  erase(c);
  return {};
}

Status TableModel::rename_chain(std::string_view from, std::string_view to) {
  if (find(to) != nullptr || is_verdict_name(to))
    return error(strf("File exists: chain `%s'", std::string(to).c_str()));
  auto found = existing(from);
  if (!found) return found.error();
  if ((*found)->hook) return no_such_chain(*this, from);
  if (to.empty() || to.size() >= kMaxName)
    return error(strf("Invalid chain name `%s' (%zu chars max)", std::string(to).c_str(), kMaxName - 1));
  Chain chain = std::move(**found);
  erase(**found);
  chain.name = to;
  insert_sorted(std::move(chain));
  return {};
}

Status TableModel::set_policy(std::string_view chain, std::string_view policy) {
  Chain* c = find(chain);
  if (c == nullptr || !c->hook) return error(strf("Bad built-in chain name: `%s'", std::string(chain).c_str()));
  if (policy != "ACCEPT" && policy != "DROP") return error(strf("Bad policy name: `%s'", std::string(policy).c_str()));
  c->accept = policy == "ACCEPT";
  return {};
}

Status TableModel::insert(std::string_view chain, uint32_t number, RuleEntry entry) {
  auto found = existing(chain);
  if (!found) return found.error();
  auto& rules = (*found)->rules;
  if (number == 0 || number > rules.size() + 1) return error("Index of insertion too big");
  rules.insert(rules.begin() + (number - 1), std::move(entry));
  return {};
}

Status TableModel::append(std::string_view chain, RuleEntry entry) {
  auto found = existing(chain);
  if (!found) return found.error();
  (*found)->rules.push_back(std::move(entry));
  return {};
}

Status TableModel::replace(std::string_view chain, uint32_t number, RuleEntry entry) {
  auto found = existing(chain);
  if (!found) return found.error();
  auto& rules = (*found)->rules;
  if (number == 0 || number > rules.size()) return error("Index of replacement too big");
  rules[number - 1] = std::move(entry);
  return {};
}

Status TableModel::remove(std::string_view chain, uint32_t number) {
  auto found = existing(chain);
  if (!found) return found.error();
  auto& rules = (*found)->rules;
  if (number == 0 || number > rules.size()) return error("Index of deletion too big");
  rules.erase(rules.begin() + (number - 1));
  return {};
}

void TableModel::flush() {
  for (Chain& c : chains_) c.rules.clear();
  std::erase_if(chains_, [](const Chain& c) { return !c.hook; });
  next_id_ = static_cast<uint32_t>(chains_.size());
}

}  // namespace nf::ipt
