#include "tools/replay/capture_links.h"

namespace nf {

std::vector<CaptureLink> links_of(const std::vector<std::pair<std::string, std::string>>& inputs) {
  std::vector<CaptureLink> links;
  for (const auto& [interface, file] : inputs)
    links.push_back({interface, "--in " + interface + "=" + file,
                     likely_own_address(interface, file).value_or(MacAddress{}), first_stations(interface, file)});
  return links;
}

std::vector<CaptureLink> links_of(const HeldCapture& capture) {
  std::vector<CaptureLink> links;
  for (size_t i = 0; i < capture.links.size(); ++i) {
    std::vector<CapturedPacket> packets;
    for (const HeldPacket& p : capture.packets)
      if (p.link == i) packets.push_back(p.view());
    links.push_back({capture.links[i], capture.links[i], likely_own_address(packets).value_or(MacAddress{}),
                     first_stations(packets)});
  }
  return links;
}

}  // namespace nf
