#include <algorithm>
#include <map>

#include "tools/backend/backend.h"

namespace nf {
namespace {

class PortList {
 public:
  std::vector<BackendPort> take() {
    for (size_t i = 0; i < ports_.size(); ++i) {
      const auto own = addresses_.find(ports_[i].name);
      ports_[i].mac =
          own != addresses_.end() ? own->second : MacAddress{0x02, 0xff, 0, 0, 0, static_cast<uint8_t>(i + 1)};
    }
    return std::move(ports_);
  }

  void operator()(const lab::LinkAdd& op) {
    if (op.kind == lab::LinkKind::kBridge) {
      bridges_.push_back(op.name);
    } else {
      name(op.name);
      if (!op.peer.empty()) name(op.peer);
      set(op.peer, op.peer_settings);
    }
    set(op.name, op.settings);
  }
  void operator()(const lab::LinkSet& op) {
    name(op.device);
    set(op.device, op.settings);
  }
  void operator()(const lab::AddressAdd& op) { name(op.device); }
  void operator()(const lab::NeighbourAdd& op) { name(op.device); }
  template <class Other>
  void operator()(const Other&) {}

 private:
  void name(const std::string& device) {
    if (device == "lo" || std::find(bridges_.begin(), bridges_.end(), device) != bridges_.end()) return;
    for (const BackendPort& p : ports_)
      if (p.name == device) return;
    ports_.push_back({device, {}});
  }
  void set(const std::string& device, const lab::LinkSettings& settings) {
    if (settings.address) addresses_[device] = *settings.address;
  }

  std::vector<BackendPort> ports_;
  std::vector<std::string> bridges_;
  std::map<std::string, MacAddress> addresses_;
};

}  // namespace

std::vector<BackendPort> ports_of(const lab::Lab& lab) {
  PortList list;
  for (const lab::NetworkLine& line : lab.network) std::visit(list, line.operation);
  return list.take();
}

}  // namespace nf
