// Fuzz target: any text as the files `network` and, behind the first NUL byte, `sysctl.conf`, carried out on a router.
// Held to be true: a refusal names the file and, for a line of it, the line.
#include <string>

#include "tools/fuzz/require.h"
#include "tools/gateway/gateway.h"
#include "tools/lab/network.h"
#include "tools/lab/sysctl_conf.h"

using namespace nf;

namespace {

void require_place(const Error& e, const char* file) {
  FUZZ_REQUIRE(!e.text.empty() && e.file == file && e.line > 0, "refused without a place: %s", e.str().c_str());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(all.find('\0'), all.size());
  lab::Lab lab;
  lab.network_file = "network";
  lab.sysctl_file = "sysctl.conf";
  Result<std::vector<lab::NetworkLine>> lines = lab::parse_network(all.substr(0, end), lab.network_file);
  if (!lines) {
    require_place(lines.error(), "network");
    return 0;
  }
  lab.network = lines.take();
  Result<std::vector<lab::SysctlSetting>> settings =
      lab::parse_sysctl_conf(all.substr(std::min(end + 1, all.size())), lab.sysctl_file);
  if (!settings) {
    require_place(settings.error(), "sysctl.conf");
    return 0;
  }
  lab.sysctl = settings.take();
  Gateway gateway({.seed = 1, .assume_neighbours = false, .conntrack_buckets = 64});
  const Status s = gateway.configure(lab, [](std::string_view, bool) {
    return std::optional<LinkFacts>(LinkFacts{.mac = {0x02, 0, 0, 0, 0, 1}, .mtu = 1500, .up = true});
  });
  if (!s) FUZZ_REQUIRE(!s.error().text.empty() && s.error().line > 0, "no place: %s", s.error().str().c_str());
  for (int i = 0; i < 10; ++i) gateway.run_timers((1'700'000'000 + i) * kSecond);
  return 0;
}
