#include "conntrack/expect.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <unordered_map>
#include <vector>

#include "conntrack/core.h"
#include "conntrack/helper.h"

namespace nf::ct {
namespace {

// The destination of an expectation counts whole: all that can match or clash stand in one chain.
struct ChainKey {
  uint32_t address;
  uint32_t id_and_protocol;
  bool operator==(const ChainKey&) const = default;
};
struct ChainHash {
  size_t operator()(const ChainKey& k) const {
    return static_cast<size_t>((uint64_t{k.address} << 32 | k.id_and_protocol) * 0x9e3779b97f4a7c15u >> 16);
  }
};
ChainKey chain_key(const Tuple& t) { return {t.destination.raw(), uint32_t{t.destination_id.raw()} << 8 | t.protocol}; }

bool same_mask(const Expectation& a, const Expectation& b) {
  return a.mask_source == b.mask_source && a.mask_source_id == b.mask_source_id;
}

// twin: expect_matches
bool same(const Expectation& a, const Expectation& b) {
  return a.tuple.source == b.tuple.source && a.tuple.source_id == b.tuple.source_id &&
         a.tuple.destination == b.tuple.destination && a.tuple.destination_id == b.tuple.destination_id &&
         a.tuple.protocol == b.tuple.protocol && same_mask(a, b) && zone_of(*a.master) == zone_of(*b.master);
}

// Something could fulfil both. twin: expect_clash
bool clash(const Expectation& a, const Expectation& b) {
  Expectation both = a;
  both.mask_source = Be32::from_raw(a.mask_source.raw() & b.mask_source.raw());
  both.mask_source_id = Be16::from_raw(static_cast<uint16_t>(a.mask_source_id.raw() & b.mask_source_id.raw()));
  return both.matches(b.tuple) && zone_of(*a.master) == zone_of(*b.master);
}

// A list through `next`, the newest first.
void unlink(Expectation*& head, Expectation* Expectation::*next, Expectation& e) {
  Expectation** at = &head;
  while (*at != &e) at = &((*at)->*next);
  *at = e.*next;
}

}  // namespace

struct Expectations::Impl {
  Core& core;
  std::unordered_map<ChainKey, Expectation*, ChainHash> chains;
  std::map<uint32_t, std::unique_ptr<Expectation>> by_age;  // the number counts what was entered
  uint32_t entered = 0;
  Time soonest = kNever;  // no later than the first that runs out
  struct Listener {
    uint32_t id;
    std::function<void(const ExpectReport&)> function;
  };
  std::vector<Listener> listeners;
  uint32_t last_listener = 0;
  ExpectPortSearch* port_search = nullptr;

  void report(ExpectReport::Kind kind, const Expectation& e, Time now) const {
    const uint16_t bit = kind == ExpectReport::Kind::kNew ? 1 : 2;
    if ((e.master->extensions & kExtEvents) == 0 || (e.master->expect_event_mask & bit) == 0) return;
    for (const Listener& listener : listeners) listener.function({kind, e, now});
  }

  // Out of every list; the caller owns it. twin: nf_ct_unlink_expect
  std::unique_ptr<Expectation> take_out(Expectation& e, Time now) {
    const auto chain = chains.find(chain_key(e.tuple));
    unlink(chain->second, &Expectation::next_in_chain, e);
    if (chain->second == nullptr) chains.erase(chain);
    HelpPart& help = *help_of(*e.master);
    unlink(help.expectations, &Expectation::next_of_master, e);
    --help.expecting[e.expect_class];
    report(ExpectReport::Kind::kDestroy, e, now);
    ++core.stats.expect_delete;
    const auto place = by_age.find(e.id);
    std::unique_ptr<Expectation> out = std::move(place->second);
    by_age.erase(place);
    return out;
  }

  Expectation* chain_of(const Tuple& t) const {
    const auto chain = chains.find(chain_key(t));
    return chain == chains.end() ? nullptr : chain->second;
  }
};

Expectations::Expectations(Core& core) : impl_(std::make_unique<Impl>(Impl{core, {}, {}, 0, kNever, {}, 0, nullptr})) {}
Expectations::~Expectations() = default;

Expectation Expectations::make(Connection& master, uint8_t expect_class, const Be32* source, Be32 destination,
                               uint8_t protocol, const Be16* source_id, Be16 destination_id) {
  Expectation e;
  e.master = &master;
  e.expect_class = expect_class;
  e.tuple.protocol = protocol;
  if (source != nullptr) {
    e.tuple.source = *source;
    e.mask_source = be32(0xffffffff);
  }
  if (source_id != nullptr) {
    e.tuple.source_id = *source_id;
    e.mask_source_id = be16(0xffff);
  }
  e.tuple.destination = destination;
  e.tuple.destination_id = destination_id;
  return e;
}

ExpectError Expectations::related(const Expectation& wanted, Time now, bool any_master) {
  Impl& m = *impl_;
  expire(now);
  HelpPart* help = help_of(*wanted.master);
  if (help == nullptr) return ExpectError::kShutDown;
  for (Expectation* i = m.chain_of(wanted.tuple); i != nullptr;) {
    Expectation* next = i->next_in_chain;
    if ((any_master || i->master == wanted.master) && same(*i, wanted)) {
      if (i->expect_class != wanted.expect_class || i->master != wanted.master) return ExpectError::kAlready;
      m.take_out(*i, now);
      break;
    }
    if (clash(*i, wanted)) return ExpectError::kBusy;
    i = next;
  }
  const ExpectPolicy* policy = help->helper != nullptr ? &help->helper->policies()[wanted.expect_class] : nullptr;
  if (policy != nullptr && policy->max_expected != 0 && help->expecting[wanted.expect_class] >= policy->max_expected) {
    Expectation* oldest = nullptr;
    for (Expectation* i = help->expectations; i != nullptr; i = i->next_of_master)
      if (i->expect_class == wanted.expect_class) oldest = i;
    if (oldest != nullptr) m.take_out(*oldest, now);
    if (help->expecting[wanted.expect_class] >= policy->max_expected) return ExpectError::kTooMany;
  }
  if (static_cast<int64_t>(count()) >= m.core.settings.expect_max) {
    m.core.stack.log("nf_conntrack: expectation table full");
    return ExpectError::kTooMany;
  }

  auto owned = std::make_unique<Expectation>(wanted);
  Expectation& e = *owned;
  e.id = ++m.entered;
  e.expires = now + (policy != nullptr ? policy->timeout : 0) * kSecond;
  m.soonest = std::min(m.soonest, e.expires);
  e.next_of_master = help->expectations;
  help->expectations = &e;
  ++help->expecting[e.expect_class];
  Expectation*& chain = m.chains[chain_key(e.tuple)];
  e.next_in_chain = chain;
  chain = &e;
  m.by_age.emplace(e.id, std::move(owned));
  ++m.core.stats.expect_create;
  m.report(ExpectReport::Kind::kNew, e, now);
  return ExpectError::kNone;
}

void Expectations::unexpect(Expectation& e, Time now) { impl_->take_out(e, now); }

Expectation* Expectations::find_same(const Expectation& e) {
  for (Expectation* i = impl_->chain_of(e.tuple); i != nullptr; i = i->next_in_chain)
    if (i->master == e.master && i->expect_class == e.expect_class && same(*i, e)) return i;
  return nullptr;
}

Expectation* Expectations::find(const Tuple& tuple, uint16_t zone, Time now) {
  expire(now);
  for (Expectation* i = impl_->chain_of(tuple); i != nullptr; i = i->next_in_chain)
    if (i->matches(tuple) && zone_of(*i->master) == zone) return i;
  return nullptr;
}

std::optional<Expectation> Expectations::take(const Tuple& tuple, uint16_t zone, bool unlink, Time now) {
  if (impl_->by_age.empty()) return std::nullopt;
  expire(now);
  Expectation* found = impl_->chain_of(tuple);
  while (found != nullptr &&
         ((found->flags & kExpectInactive) != 0 || !found->matches(tuple) || zone_of(*found->master) != zone)) {
    found = found->next_in_chain;
  }
  // A master on its way to the table cannot have told anyone yet.
  if (found == nullptr || !found->master->confirmed() || found->master->dying()) return std::nullopt;
  if ((found->flags & kExpectPermanent) != 0 || !unlink) return *found;
  return *impl_->take_out(*found, now);
}

void Expectations::refresh(Expectation& e, int64_t seconds, Time now) {
  e.expires = now + seconds * kSecond;
  impl_->soonest = std::min(impl_->soonest, e.expires);
}

void Expectations::remove_of(Connection& master, Time now) {
  HelpPart* help = help_of(master);
  if (help == nullptr) return;
  while (help->expectations != nullptr) impl_->take_out(*help->expectations, now);
}

void Expectations::set_port_search(ExpectPortSearch* search) { impl_->port_search = search; }

uint32_t Expectations::port_offset(const Expectation& e, uint16_t min, unsigned range, Random& random) {
  if (impl_->port_search != nullptr) return impl_->port_search->offset(e, min, range) % range;
  return random.below(range);
}

void Expectations::for_each(const std::function<void(Expectation&)>& visit, Time now) {
  expire(now);
  for (auto i = impl_->by_age.begin(); i != impl_->by_age.end();) visit(*(i++)->second);
}

size_t Expectations::count() const { return impl_->by_age.size(); }
uint32_t Expectations::last_id() const { return impl_->entered; }

void Expectations::flush(Time now) {
  while (!impl_->by_age.empty()) impl_->take_out(*impl_->by_age.begin()->second, now);
}

Time Expectations::expire(Time now) {
  if (now < impl_->soonest) return impl_->soonest;
  Time soonest = kNever;
  for (auto i = impl_->by_age.begin(); i != impl_->by_age.end();) {
    Expectation& e = *(i++)->second;
    if (e.expires <= now)
      impl_->take_out(e, now);
    else
      soonest = std::min(soonest, e.expires);
  }
  return impl_->soonest = soonest;
}

uint32_t Expectations::listen(std::function<void(const ExpectReport&)> listener) {
  impl_->listeners.push_back({++impl_->last_listener, std::move(listener)});
  return impl_->last_listener;
}
void Expectations::unlisten(uint32_t id) {
  std::erase_if(impl_->listeners, [&](const Impl::Listener& l) { return l.id == id; });
}
bool Expectations::has_listeners() const { return !impl_->listeners.empty(); }

int64_t seconds_left(const Expectation& e, Time now) { return e.expires > now ? (e.expires - now) / kSecond : 0; }

}  // namespace nf::ct
