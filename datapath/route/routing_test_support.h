// For tests: a namespace with lo, v0, v1 and v2, driven by command lines as captured from a kernel, answering in the
// words of ip(8). Only tests include it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "datapath/route/routing.h"

namespace nf {

class RoutingWorld {
 public:
  RoutingWorld();
  // A command ("ip ...", "sysctl ...", "get ...", "show", "rules", "addr DEV") and what it prints.
  std::string run(std::string_view command);

  Device* device(std::string_view name);

  DeviceConf all_;
  Device devices_[4];  // lo, v0, v1, v2
  Routing routing_;

 private:
  using Words = std::vector<std::string>;
  std::string link(const Words& w);
  std::string address(const Words& w);
  std::string route(const Words& w);
  std::string rule(const Words& w);
  std::string sysctl(const std::string& assignment);
  std::string get(const Words& w);
  std::string show_routes();
  std::string show_rules();
  std::string show_addresses(const Device& dev);
};

Be32 parse_ip(std::string_view text);
std::string ip_text(Be32 a);

}  // namespace nf
