#include "conntrack/helper/netbios_ns.h"

#include "conntrack/refresh.h"
#include "datapath/hook/stack.h"

namespace nf::ct {
namespace {

constexpr int64_t kTimeout = 3;  // of the query and of what may answer it
constexpr ExpectPolicy kPolicies[] = {{.name = "", .max_expected = 1, .timeout = kTimeout}};

}  // namespace

std::span<const ExpectPolicy> NetbiosNsHelper::policies() const { return kPolicies; }

// twin: nf_conntrack_broadcast_help
Verdict NetbiosNsHelper::help(const HelpInput& in) const {
  const Dst& route = in.p.dst;
  if (!in.p.from_socket || route.type != RouteType::kBroadcast || route.out == nullptr) return Verdict::kAccept;
  if (in.direction() != CtDirection::kOriginal) return Verdict::kAccept;
  const std::optional<Be32> mask = in.conntrack.stack().broadcast_mask(*route.out, in.p.ip().destination);
  if (!mask || mask->is_zero()) return Verdict::kAccept;

  Expectation e;
  e.master = &in.c;
  e.tuple = in.c.reply();
  e.tuple.source_id = be16(port());
  e.mask_source = *mask;
  e.mask_source_id = be16(0xffff);
  e.flags = kExpectPermanent;
  e.helper = this;
  in.conntrack.expectations().related(e, in.now());
  refresh(in.c, kTimeout, in.now());
  return Verdict::kAccept;
}

}  // namespace nf::ct
