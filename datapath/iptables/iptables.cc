#include "datapath/iptables/iptables.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <unordered_set>

#include "datapath/base/text.h"
#include "datapath/iptables/loader.h"
#include "datapath/iptables/print.h"
#include "datapath/iptables/program.h"
#include "datapath/iptables/rule.h"

namespace nf::ipt {
namespace {

// A table in use. The program borrows from the model.
class LiveTable final : public CounterSource {
 public:
  explicit LiveTable(TableModel m) : model(std::move(m)), program(model) {}
  Counters rule(const Chain& chain, size_t index) const override { return program.counters(index_of(chain), index); }
  Counters policy(const Chain& chain) const override { return program.counters(index_of(chain), chain.rules.size()); }
  // The model with the counters as they are now.
  TableModel snapshot() const {
    TableModel copy = model;
    for (size_t i = 0; i < copy.chains().size(); ++i) {
      Chain& c = copy.chains()[i];
      for (size_t k = 0; k < c.rules.size(); ++k) c.rules[k].counters = program.counters(i, k);
      if (c.hook) c.counters = program.counters(i, c.rules.size());
    }
    return copy;
  }

  const TableModel model;
  Program program;

 private:
  size_t index_of(const Chain& chain) const { return static_cast<size_t>(&chain - model.chains().data()); }
};

template <class F>
void for_each_extension(const TableModel& table, F&& f) {
  for (const Chain& c : table.chains()) {
    for (const RuleEntry& e : c.rules) {
      for (const auto& m : e.rule->matches) f(*e.rule, *m);
      if (e.rule->kind == TargetKind::kExtension) f(*e.rule, *e.rule->target);
    }
  }
}

std::unordered_set<const Rule*> rules_of(const TableModel& table) {
  std::unordered_set<const Rule*> out;
  for (const Chain& c : table.chains())
    for (const RuleEntry& e : c.rules) out.insert(e.rule.get());
  return out;
}

int hook_priority(TableId id) {
  switch (id) {
    case TableId::kRaw:
      return priority::kRaw;
    case TableId::kMangle:
      return priority::kMangle;
    case TableId::kSecurity:
      return priority::kSecurity;
    case TableId::kFilter:
    case TableId::kNat:
      break;
  }
  return priority::kFilter;
}

Verdict run_table(void* self, PacketPtr& p, const HookState& state) {
  return (*static_cast<std::unique_ptr<LiveTable>*>(self))->program.run(p, state);
}

// A changed packet of this host's own is routed anew. twin: ipt_mangle_out, net/ipv4/netfilter/iptable_mangle.c
Verdict run_mangle_output(void* self, PacketPtr& p, const HookState& state) {
  const uint32_t mark = p->mark;
  const Be32 source = p->ip().source;
  const Be32 destination = p->ip().destination;
  const uint8_t tos = p->ip().tos;
  const Verdict v = run_table(self, p, state);
  if (v == Verdict::kDrop || v == Verdict::kStolen) return v;
  const Ipv4Header& ip = p->ip();
  if (ip.source == source && ip.destination == destination && ip.tos == tos && p->mark == mark) return v;
  if (state.stack->route_me_harder(*p, RouteType::kUnspec)) return v;
  if (p->drop_reason == 0) p->drop_reason = static_cast<uint8_t>(DropReason::kNoRoute);
  return Verdict::kDrop;
}

HookFunction hook_function(TableId id, HookPoint hook) {
  return id == TableId::kMangle && hook == HookPoint::kLocalOut ? run_mangle_output : run_table;
}

std::string comment_line(const char* what, Time now) {
  const std::time_t seconds = static_cast<std::time_t>(now / kSecond);
  std::tm local{};
  localtime_r(&seconds, &local);
  char date[64];
  if (std::strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y", &local) == 0) date[0] = '\0';
  return std::string(what) + date + "\n";
}

}  // namespace

struct Iptables::Impl {
  Impl(Stack& s, const ExtensionRegistry& r) : stack(s), registry(r) {}

  std::unique_ptr<LiveTable>& slot(TableId id) { return tables[static_cast<size_t>(id)]; }
  const LiveTable* live(TableId id) const { return tables[static_cast<size_t>(id)].get(); }
  void add_hooks(TableId id);
  void remove_hooks(TableId id);
  void remember_hits(const LiveTable& table);

  Stack& stack;
  const ExtensionRegistry& registry;
  std::array<std::unique_ptr<LiveTable>, kTables> tables;
  std::vector<TableId> order;           // of first use
  std::vector<UnmodelledHit> old_hits;  // of rules that are gone
  void (*nat_function)(void*) = nullptr;
  void* nat_self = nullptr;
};

void Iptables::Impl::add_hooks(TableId id) {
  if (id == TableId::kNat) return;
  for (const Chain& c : live(id)->model.chains())
    if (c.hook) stack.hooks().add(*c.hook, hook_priority(id), hook_function(id, *c.hook), &slot(id));
}

void Iptables::Impl::remove_hooks(TableId id) {
  if (id == TableId::kNat) return;
  for (const Chain& c : live(id)->model.chains())
    if (c.hook) stack.hooks().remove(*c.hook, hook_function(id, *c.hook), &slot(id));
}

void Iptables::Impl::remember_hits(const LiveTable& table) {
  for (const UnmodelledRecord& r : table.program.unmodelled())
    if (r.packets != 0) old_hits.push_back({r.rule, r.packets});
}

Iptables::Iptables(Stack& stack, const ExtensionRegistry& registry) : impl_(std::make_unique<Impl>(stack, registry)) {}

Iptables::~Iptables() {
  for (const TableId id : impl_->order) {
    impl_->remove_hooks(id);
    for_each_extension(impl_->live(id)->model, [&](const Rule&, Extension& e) { e.detach(impl_->stack); });
  }
}

Status Iptables::load(std::string_view text, const std::string& file, const LoadOptions& options) {
  Impl& im = *impl_;
  Loader loader(im.registry, options);
  for (const TableId id : im.order) loader.start_with(im.live(id)->snapshot());
  if (Status s = loader.parse(text, file); !s) return s;

  // What the new rules need is there before what the old ones needed goes: conntrack does not flap.
  std::vector<std::unique_ptr<LiveTable>> fresh;
  for (const TableId id : loader.touched()) {
    fresh.push_back(std::make_unique<LiveTable>(std::move(loader.table(id))));
    const LiveTable* old = im.live(id);
    const auto kept = old != nullptr ? rules_of(old->model) : std::unordered_set<const Rule*>();
    for_each_extension(fresh.back()->model, [&](const Rule& r, Extension& e) {
      if (!kept.contains(&r)) e.attach(im.stack);
    });
  }
  bool new_nat = false;
  for (auto& table : fresh) {
    const TableId id = table->model.id();
    const bool created = im.live(id) == nullptr;
    std::swap(im.slot(id), table);
    if (!created) continue;
    im.order.push_back(id);
    im.add_hooks(id);
    new_nat = new_nat || id == TableId::kNat;
  }
  for (const auto& old : fresh) {
    if (old == nullptr) continue;
    im.remember_hits(*old);
    const auto kept = rules_of(im.live(old->model.id())->model);
    for_each_extension(old->model, [&](const Rule& r, Extension& e) {
      if (!kept.contains(&r)) e.detach(im.stack);
    });
  }
  if (new_nat && im.nat_function != nullptr) im.nat_function(im.nat_self);
  return {};
}

std::string Iptables::save(const SaveOptions& options) const {
  std::string out;
  const auto one = [&](TableId id) {
    if (options.comments) out += comment_line("# Generated by iptables-save v1.8.9 on ", impl_->stack.now());
    if (const LiveTable* live = impl_->live(id)) {
      save_table(live->model, *live, options.counters, out);
    } else {
      const LiveTable empty{TableModel(id)};
      save_table(empty.model, empty, options.counters, out);
    }
    if (options.comments) out += comment_line("# Completed on ", impl_->stack.now());
  };
  if (options.table) {
    one(*options.table);
  } else {
    for (auto id = impl_->order.rbegin(); id != impl_->order.rend(); ++id) one(*id);
  }
  return out;
}

std::string Iptables::list_rules(TableId table, std::string_view chain) const {
  std::string out;
  const LiveTable* live = impl_->live(table);
  ipt::list_rules(live != nullptr ? live->model : TableModel(table), chain, out);
  return out;
}

Result<std::string> Iptables::list(TableId table, std::string_view chain, const ListOptions& options) const {
  std::unique_ptr<LiveTable> empty;
  const LiveTable* live = impl_->live(table);
  if (live == nullptr) {
    empty = std::make_unique<LiveTable>(TableModel(table));
    live = empty.get();
  }
  if (!chain.empty() && live->model.find(chain) == nullptr) return error("No chain/target/match by that name.");
  std::string out;
  list_table(live->model, *live, chain, options, out);
  return out;
}

void Iptables::zero(TableId table) {
  const LiveTable* live = impl_->live(table);
  if (live == nullptr) return;
  for (const Chain& c : live->model.chains()) (void)zero(table, c.name).ok();
}

Status Iptables::zero(TableId table, std::string_view chain, uint32_t number) {
  LiveTable* live = impl_->slot(table).get();
  const Chain* c = live == nullptr ? nullptr : live->model.find(chain);
  if (c == nullptr) return error("No chain/target/match by that name.");
  if (number > c->rules.size()) return error("Index of counter too big.");
  const size_t index = static_cast<size_t>(c - live->model.chains().data());
  if (number != 0) {
    live->program.counters(index, number - 1) = {};
    return {};
  }
  for (size_t i = 0; i <= c->rules.size(); ++i) live->program.counters(index, i) = {};
  return {};
}

bool Iptables::has_table(TableId table) const { return impl_->live(table) != nullptr; }

void Iptables::on_nat_table(void (*function)(void* self), void* self) {
  impl_->nat_function = function;
  impl_->nat_self = self;
  if (function != nullptr && has_table(TableId::kNat)) function(self);
}

Verdict Iptables::do_table(TableId table, PacketPtr& p, const HookState& state) {
  return impl_->slot(table)->program.run(p, state);
}

std::vector<Iptables::UnmodelledHit> Iptables::unmodelled_hits() const {
  std::vector<UnmodelledHit> out = impl_->old_hits;
  for (const TableId id : impl_->order)
    for (const UnmodelledRecord& r : impl_->live(id)->program.unmodelled())
      if (r.packets != 0) out.push_back({r.rule, r.packets});
  return out;
}

std::vector<Iptables::RuleCounters> Iptables::rule_counters(bool with_text) const {
  std::vector<RuleCounters> out;
  for (const TableId id : impl_->order) {
    const LiveTable& live = *impl_->live(id);
    for (const Chain& c : live.model.chains()) {
      if (c.hook) {
        const Counters n = live.policy(c);
        out.push_back({id, c.name, 0, n.packets, n.bytes, !with_text ? "" : c.accept ? "ACCEPT" : "DROP"});
      }
      for (size_t i = 0; i < c.rules.size(); ++i) {
        const Counters n = live.rule(c, i);
        std::string text = with_text ? save_rule(live.model, *c.rules[i].rule) : "";
        if (!text.empty()) text.erase(0, 1);
        out.push_back({id, c.name, static_cast<uint32_t>(i) + 1, n.packets, n.bytes, std::move(text)});
      }
    }
  }
  return out;
}

}  // namespace nf::ipt
