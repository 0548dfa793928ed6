// Carries a lab's `network` file out on a router: what `ip -batch` would do to a kernel namespace.
#pragma once

#include <functional>
#include <string_view>

#include "datapath/router/router.h"
#include "tools/lab/lab.h"

namespace nf {

// What is known of a link before the lab changes it.
struct LinkFacts {
  MacAddress mac{};
  uint32_t mtu = 1500;
  bool up = false;
  bool running = true;
};

// Asked for every link the lab names, `made` when the lab itself makes it (veth, dummy, tap, tun; bridges are never
// asked for). nullopt: there is no such link.
using FindLink = std::function<std::optional<LinkFacts>(std::string_view name, bool made)>;

// Errors have the file and line, and the kernel's words where it has some. lo exists and is up from the start, so
// that a lab need not say so.
Status set_up_network(Router& router, const lab::Lab& lab, const FindLink& find_link);

}  // namespace nf
