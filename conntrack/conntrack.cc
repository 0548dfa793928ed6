// The face of the folder: Conntrack hands to Core, and stands on the hooks while somebody needs it.
#include "conntrack/conntrack.h"

#include <algorithm>
#include <cassert>

#include "conntrack/core.h"
#include "conntrack/proto.h"
#include "datapath/hook/hook.h"

namespace nf::ct {
namespace {

Verdict on_in(void* self, PacketPtr& p, const HookState& state) {
  return static_cast<Conntrack*>(self)->nf_conntrack_in(p, state);
}
Verdict on_confirm(void* self, PacketPtr& p, const HookState& state) {
  return static_cast<Conntrack*>(self)->nf_conntrack_confirm(p, state);
}
void on_prepare(void* self, std::span<Packet* const> batch) { static_cast<Core*>(self)->prepare(batch); }

}  // namespace

Conntrack::Conntrack(Stack& stack, const Options& options) : core_(std::make_unique<Core>(*this, stack, options)) {
  stack.hooks().set_connection_hooks(
      {this, [](void*, uintptr_t ct) { get(*connection_of(ct)); },
       [](void* self, Packet& to, const Packet& from) { static_cast<Conntrack*>(self)->attach(to, from); },
       [](void* self, uintptr_t ct) { static_cast<Conntrack*>(self)->set_closing(ct); },
       [](void* self, PacketPtr& p, const HookState& state) {
         return static_cast<Conntrack*>(self)->core_->confirm_silently(p, state);
       }});
}

Conntrack::~Conntrack() {
  core_->stack.hooks().set_connection_hooks({});
  if (active()) {
    core_->users = 1;
    netns_put();
  }
}

void Conntrack::netns_get() {
  if (core_->users++ != 0) return;
  HookTable& hooks = core_->stack.hooks();
  for (const HookPoint h : {HookPoint::kPreRouting, HookPoint::kLocalOut})
    hooks.add(h, priority::kConntrack, on_in, this);
  for (const HookPoint h : {HookPoint::kLocalIn, HookPoint::kPostRouting})
    hooks.add(h, priority::kConfirm, on_confirm, this);
  hooks.add_prepare(on_prepare, core_.get());
  core_->stack.defrag_get();
  // What is left from an earlier time did not see its windows move. twin: nf_ct_tcp_fixup
  core_->for_each([](Connection& c) {
    if (c.original().protocol == kProtoTcp && c.tcp.state == TcpState::kEstablished)
      c.tcp.seen[0].max_window = c.tcp.seen[1].max_window = 0;
  });
}

void Conntrack::netns_put() {
  assert(core_->users > 0);
  if (--core_->users != 0) return;
  HookTable& hooks = core_->stack.hooks();
  for (const HookPoint h : {HookPoint::kPreRouting, HookPoint::kLocalOut}) hooks.remove(h, on_in, this);
  for (const HookPoint h : {HookPoint::kLocalIn, HookPoint::kPostRouting}) hooks.remove(h, on_confirm, this);
  hooks.remove_prepare(on_prepare, core_.get());
  core_->stack.defrag_put();
}

bool Conntrack::active() const { return core_->users > 0; }

Verdict Conntrack::nf_conntrack_in(PacketPtr& p, const HookState& state) { return core_->in(p, state); }
Verdict Conntrack::nf_conntrack_confirm(PacketPtr& p, const HookState& state) { return core_->confirm(p, state); }

bool Conntrack::tuple_taken(const Tuple& reply, const Connection& ignored, Time now) {
  return core_->tuple_taken(reply, ignored, now);
}

const Connection* Conntrack::tuple_holder(const Tuple& reply, const Connection& ignored, Time now) const {
  return core_->tuple_holder(reply, ignored, now);
}

Connection* Conntrack::find(const Tuple& tuple, CtDirection& direction, Time now) {
  const Key key = Key::of(tuple);
  return core_->find(key, core_->table.hash(key), direction, now);
}

Connection* Conntrack::find(const Tuple& tuple, const ZoneIds& zone, CtDirection& direction, Time now) {
  return core_->find(tuple, zone, direction, now);
}

void Conntrack::alter_reply(Connection& c, const Tuple& reply) {
  assert(!c.confirmed());
  const uint16_t zone = c.tuple[1].zone;
  c.tuple[1] = reply;
  c.tuple[1].zone = zone;
  c.tuple[1].direction = CtDirection::kReply;
}

void Conntrack::on_destroy(std::function<void(Connection&)> callback) {
  core_->on_destroy.push_back(std::move(callback));
}

bool Conntrack::kill(Connection& c, Time now) { return core_->kill(c, now); }

bool Conntrack::kill_counting(Connection& c, const Packet& p, Time now) {
  Core::acct(c, p.ctinfo, p.length());
  return core_->kill(c, now);
}

void Conntrack::attach(Packet& to, const Packet& from) {
  Connection* c = connection_of(from.ct);
  if (c == nullptr) {
    // The kernel's word is then RELATED without a connection: INVALID to the matches, and no CT rule touches it.
    if (from.ctinfo == CtInfo::kUntracked) to.ctinfo = CtInfo::kRelated;
    return;
  }
  Conntrack::get(*c);
  core_->stack.pool().reset_ct(to);
  to.ct = from.ct;
  to.ctinfo = direction_of(from.ctinfo) == CtDirection::kOriginal ? CtInfo::kRelatedReply : CtInfo::kRelated;
}

void Conntrack::set_closing(uintptr_t ct) {
  Connection* c = connection_of(ct);
  if (c != nullptr && c->original().protocol == kProtoTcp) tcp_set_closing(*core_, *c, core_->stack.now());
}

void Conntrack::put(Connection& c) { core_->put(c); }

Duration Conntrack::expires_in(const Connection& c, Time now) const {
  if (c.confirmed()) return c.expires > now ? c.expires - now : 0;
  if (!core_->boot_time) return 0;
  constexpr Duration kJiffy = 4 * kMillisecond;
  constexpr Duration kInitialJiffies = -300 * kSecond;  // INITIAL_JIFFIES
  const auto jiffies = static_cast<uint32_t>((now - *core_->boot_time + kInitialJiffies) / kJiffy);
  const auto left = static_cast<int32_t>(static_cast<uint32_t>(c.expires / kJiffy) - jiffies);
  return left > 0 ? left * kJiffy : 0;
}

void Conntrack::set_boot_time(Time boot) { core_->boot_time = boot; }

Connection* Conntrack::template_alloc(const TemplateSpec& spec) {
  Connection& c = core_->table.allocate();
  c.status = kTemplate;
  for (size_t d = 0; d < 2; ++d) c.tuple[d].zone = spec.zone[d];
  if (spec.zone_is_mark) rare_parts(c).zone_from_mark = {spec.zone_direction[0], spec.zone_direction[1]};
  if (spec.helper != nullptr) add_help(c).helper = spec.helper;
  if (spec.timeout != nullptr) rare_parts(c).timeout = spec.timeout;
  // With nf_conntrack_events at 2 the masks of a rule loaded while nobody listens are lost. twin: nf_ct_ecache_ext_add
  const bool lost = core_->settings.events == 2 && !core_->heard();
  c.event_mask = lost ? uint16_t{0} : spec.events;
  c.expect_event_mask = lost ? uint16_t{0} : spec.expect_events;
  return &c;
}

void Conntrack::labels_get() { ++core_->label_users; }
void Conntrack::labels_put() { --core_->label_users; }
Expectations& Conntrack::expectations() { return core_->expectations; }
GreKeymap& Conntrack::gre_keymap() { return core_->gre_keymap; }
HelperRegistry& Conntrack::helpers() { return core_->helpers; }
TimeoutPolicy Conntrack::usual_timeouts(uint8_t protocol) const {
  const Settings& s = core_->settings;
  TimeoutPolicy policy;
  policy.protocol = protocol;
  auto& seconds = policy.seconds;
  switch (protocol) {
    case kProtoTcp:
      std::copy(std::begin(s.tcp_timeout), std::end(s.tcp_timeout), seconds.begin());
      break;
    case kProtoSctp:
      std::copy(std::begin(s.sctp_timeout), std::end(s.sctp_timeout), seconds.begin());
      break;
    case kProtoUdp:
    case kProtoUdplite:
      seconds[0] = s.udp_timeout;
      seconds[1] = s.udp_timeout_stream;
      break;
    case kProtoGre:
      seconds[0] = s.gre_timeout;
      seconds[1] = s.gre_timeout_stream;
      break;
    case kProtoIcmp:
      seconds[0] = s.icmp_timeout;
      break;
    default:
      seconds[0] = s.generic_timeout;
  }
  return policy;
}
TimeoutPolicies& Conntrack::timeout_policies() { return core_->timeout_policies; }
Stack& Conntrack::stack() { return core_->stack; }

void Conntrack::for_each(const std::function<void(Connection&)>& visit) { core_->for_each(visit); }
size_t Conntrack::count() const { return static_cast<size_t>(core_->settings.count); }
size_t Conntrack::flush(Time now) { return core_->flush(now); }
const Stats& Conntrack::stats() const { return core_->stats; }
Stats& Conntrack::stats() { return core_->stats; }
ListenerId Conntrack::listen(std::function<void(const EventReport&)> listener) {
  core_->listeners.push_back({++core_->last_listener, std::move(listener)});
  return core_->last_listener;
}
void Conntrack::unlisten(ListenerId id) {
  std::erase_if(core_->listeners, [&](const Core::Listener& l) { return l.id == id; });
}
Time Conntrack::gc(Time now) { return core_->gc(now); }
size_t Conntrack::memory_bytes() const { return core_->table.memory_bytes(); }

}  // namespace nf::ct
