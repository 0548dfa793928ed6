// An expectation made by hand. twin: ctnetlink_new_expect, ctnetlink_create_expect,
// net/netfilter/nf_conntrack_netlink.c
#include <cerrno>

#include "conntrack/conntrack.h"
#include "conntrack/expect_state.h"
#include "conntrack/helper.h"
#include "conntrack/rare_parts.h"

namespace nf::ct {
namespace {

int code(ExpectError e) {
  switch (e) {
    case ExpectError::kNone:
      return 0;
    case ExpectError::kBusy:
      return EBUSY;
    case ExpectError::kAlready:
      return EALREADY;
    case ExpectError::kTooMany:
      return EMFILE;
    case ExpectError::kShutDown:
      return ESHUTDOWN;
  }
  return EINVAL;
}

}  // namespace

int create_expectation(Conntrack& conntrack, const ExpectState& s, std::span<const ExpectFunction* const> functions,
                       Time now) {
  Expectations& all = conntrack.expectations();
  if (all.find(s.tuple, s.zone, now) != nullptr) return EEXIST;
  CtDirection direction;
  Connection* master = conntrack.find(s.master, ZoneIds{{s.zone, s.zone}}, direction, now);
  if (master == nullptr) return ENOENT;
  const HelpPart* help = help_of(*master);
  if (help == nullptr || help->helper == nullptr) return EOPNOTSUPP;
  if (s.expect_class >= help->helper->policies().size()) return EINVAL;

  Expectation e;
  e.tuple = s.tuple;
  e.tuple.zone = 0;
  e.mask_source = s.mask.source;
  e.mask_source_id = s.mask.source_id;
  e.flags = static_cast<uint8_t>(s.flags & (kExpectPermanent | kExpectInactive));
  e.expect_class = static_cast<uint8_t>(s.expect_class);
  e.master = master;
  if (s.given_helper) {
    e.helper = conntrack.helpers().find(*s.given_helper, s.tuple.protocol);
    if (e.helper == nullptr) return EOPNOTSUPP;
  }
  if (s.function) {
    for (const ExpectFunction* f : functions)
      if (f->name == *s.function) e.expectfn = f;
    if (e.expectfn == nullptr) return EINVAL;
  }
  e.saved_address = s.saved_address;
  e.saved_id = s.saved_id;
  e.direction = s.direction;
  return code(all.related(e, now));
}

}  // namespace nf::ct
