// Carries lines of a lab's `network` file out on a router: what `ip -batch` would do to a kernel namespace. At the start,
// and again while the router runs: what earlier lines said (a bridge's own address, its MTU) is remembered.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

class NetworkSetup {
 public:
  // The router is the caller's and outlives this.
  NetworkSetup(Router& router, FindLink find_link) : router_(router), find_link_(std::move(find_link)) {}

  // Links that are there before any line, in this order; a line that would make one only sets it.
  Status make_links(const std::vector<std::string>& names);
  // Line by line, until one fails: as `ip -batch`, what came before it stands. Errors have the file and line, and the
  // kernel's words where it has some. lo exists and is up from the start, so that a lab need not say so.
  Status apply(const std::vector<lab::NetworkLine>& lines, const std::string& file);

 private:
  struct Line;
  Router& router_;
  FindLink find_link_;
  std::set<std::string> made_;                 // by make_links()
  std::set<const Device*> addressed_, sized_;  // bridges whose address, MTU the lab itself gave
};

}  // namespace nf
