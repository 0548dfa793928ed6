#include "conntrack/expect_state.h"

#include <utility>

#include "conntrack/helper.h"

namespace nf::ct {

ExpectState expect_state(const Expectation& e, Time now) {
  ExpectState s;
  s.tuple = e.tuple;
  // twin: ctnetlink_exp_dump_mask
  s.mask.source = e.mask_source;
  s.mask.source_id = e.mask_source_id;
  s.mask.destination = be32(0xffffffff);
  s.mask.destination_id = be16(0xffff);
  s.mask.protocol = e.tuple.protocol;
  s.master = e.master->original();
  s.zone = zone_of(*e.master);
  s.timeout = static_cast<uint32_t>(seconds_left(e, now));
  s.flags = e.flags;
  s.expect_class = e.expect_class;
  if (const HelpPart* help = help_of(std::as_const(*e.master)); help != nullptr && help->helper != nullptr)
    s.helper = std::string(help->helper->name());
  if (e.helper != nullptr) s.given_helper = std::string(e.helper->name());
  if (e.expectfn != nullptr) s.function = std::string(e.expectfn->name);
  s.saved_address = e.saved_address;
  s.saved_id = e.saved_id;
  s.direction = e.direction;
  s.id = e.id;
  return s;
}

}  // namespace nf::ct
