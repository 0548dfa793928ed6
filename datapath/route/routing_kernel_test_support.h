// For tests against what a kernel said about routes: a step is a command and what a 6.18 kernel and ip(8) 6.1 answered,
// captured in one namespace per table of steps with lo up and v0, v1, v2 being ends of veth pairs (`unshare -Urnm`).
// "get X" is `ip -N -o route get X` without the uid, table and tos it prints; "show" is `ip -N -4 -o route show table
// all`, "addr D" `ip -N -4 -o addr show dev D`, "rules" `ip -N rule show`. Only tests include it.
#pragma once

#include <gtest/gtest.h>

#include "datapath/route/routing_test_support.h"

namespace nf {

struct Step {
  const char* command;
  const char* answer;
};

template <size_t N>
void replay(const Step (&steps)[N]) {
  RoutingWorld world;
  for (const Step& s : steps) ASSERT_EQ(world.run(s.command), s.answer) << s.command << " (step " << &s - steps << ")";
}

}  // namespace nf
