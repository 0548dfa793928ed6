#include "tools/netns/expect_message.h"

#include "tools/ctnetlink/ct_message.h"

namespace nf::netns {

bool decode(const nlmsghdr& message, Time now, ExpectMessage& out) {
  ct::ExpectState s;
  if (!ctnetlink::read_expectation(message, s)) return false;
  out.master = ct::Connection();
  out.rare = ct::RareParts();
  out.expectation = ct::Expectation();
  ct::Expectation& e = out.expectation;
  e.tuple = s.tuple;
  e.mask_source = s.mask.source;
  e.mask_source_id = s.mask.source_id;
  out.master.tuple[0] = s.master;
  e.master = &out.master;
  e.expires = now + s.timeout.value_or(0) * kSecond;
  e.flags = static_cast<uint8_t>(s.flags);
  e.expect_class = static_cast<uint8_t>(s.expect_class);
  e.id = s.id;
  if (s.helper) {
    out.master.rare = &out.rare;
    ct::add_help(out.master).helper = helper_named(*s.helper);
  }
  return true;
}

}  // namespace nf::netns
