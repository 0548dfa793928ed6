#include "tools/replay/held_capture.h"

#include <memory>

#include "tools/capture/capture_merge.h"

namespace nf {

CapturedPacket HeldPacket::view() const {
  CapturedPacket p;
  p.number = number;
  p.time = time;
  p.original_length = original_length != 0 ? original_length : static_cast<uint32_t>(bytes.size());
  p.link = link_type;
  p.bytes = bytes;
  return p;
}

Result<HeldCapture> read_captures(const std::vector<std::pair<std::string, std::string>>& inputs) {
  Result<std::unique_ptr<CaptureMerge>> merge = CaptureMerge::open(inputs);
  if (!merge) return merge.error();
  HeldCapture capture;
  for (const auto& [interface, file] : inputs) capture.links.push_back(interface);
  for (uint64_t number = 1;; ++number) {
    const Result<CaptureMerge::Item> item = (*merge)->next();
    if (!item) return item.error();
    if (item->packet == nullptr) return capture;
    const CapturedPacket& p = *item->packet;
    capture.packets.push_back(
        {item->input, number, p.time, p.link, p.original_length, {p.bytes.begin(), p.bytes.end()}});
  }
}

}  // namespace nf
