// What a new connection is given: by the CT rule, and by whoever expected it.
// twin: init_conntrack, net/netfilter/nf_conntrack_core.c
#include "conntrack/core.h"
#include "conntrack/endpoints.h"
#include "datapath/trace/event.h"

namespace nf::ct {
namespace {

// twin: __nf_ct_try_assign_helper
void assign_helper(Connection& c, const Connection& tmpl) {
  const HelpPart* help = help_of(tmpl);
  if (help == nullptr || help->helper == nullptr) return;
  c.status |= kHelper;
  add_help(c).helper = help->helper;
}

}  // namespace

void Core::init(Connection& c, const Connection* tmpl, Packet& p, const HookState& state) {
  if (tmpl != nullptr) {
    if (tmpl->rare != nullptr && tmpl->rare->timeout != nullptr) rare_parts(c).timeout = tmpl->rare->timeout;
    if ((tmpl->event_mask | tmpl->expect_event_mask) != 0) {
      // What a rule asks for is told even when nf_conntrack_events is 0.
      if (settings.events == 0) c.extensions |= kExtEvents;
      c.event_mask = tmpl->event_mask;
      c.expect_event_mask = tmpl->expect_event_mask;
    }
  }

  const std::optional<Expectation> expected = expectations.take(c.original(), zone_of(c), true, state.now);
  if (!expected) {
    if (tmpl != nullptr) assign_helper(c, *tmpl);
    return;
  }
  Connection& master = *expected->master;
  c.status |= kExpected;
  Conntrack::get(master);
  c.master = &master;
  if (expected->helper != nullptr) add_help(c).helper = expected->helper;
  c.mark = master.mark;
  ++stats.expect_new;
  if (state.trace != nullptr) {
    const HelpPart* help = help_of(master);
    const bool named = help != nullptr && help->helper != nullptr;
    state.trace->event(p, trace::ExpectationMet{named ? help->helper->name() : "", endpoints(master.original())});
  }
  if (expected->expectfn != nullptr) expected->expectfn->run(p, c, *expected, state);
}

}  // namespace nf::ct
