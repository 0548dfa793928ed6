#include "tools/difftest/emitted_text.h"

#include "tools/scenario/packet_text.h"

namespace nf::difftest {

std::string emitted_text(const std::vector<BackendPort>& ports, const std::vector<Emitted>& emitted) {
  std::string out;
  for (const Emitted& e : emitted) {
    const bool local = e.port == kLocalProcesses;
    const auto layer = local ? scenario::Layer::kIp : scenario::Layer::kEthernet;
    out += local ? "deliver" : "out " + ports[static_cast<size_t>(e.port)].name;
    (out += ' ') += scenario::packet_text(e.bytes, layer);
    out += '\n';
  }
  return out;
}

}  // namespace nf::difftest
