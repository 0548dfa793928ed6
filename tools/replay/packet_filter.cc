#include "tools/replay/packet_filter.h"

namespace nf {

Result<PacketFilter> PacketFilter::compile(const std::string& expression) {
  PacketFilter f;
  f.expression_ = expression;
  if (expression.empty()) return f;
  Result<CaptureFilter> ethernet = CaptureFilter::compile(expression, LinkType::kEthernet);
  if (!ethernet) return ethernet.error();
  f.compiled_.emplace(LinkType::kEthernet, std::move(ethernet));
  return f;
}

bool PacketFilter::matches(const CapturedPacket& packet) {
  if (expression_.empty()) return true;
  auto at = compiled_.find(packet.link);
  if (at == compiled_.end())
    at = compiled_.emplace(packet.link, CaptureFilter::compile(expression_, packet.link)).first;
  return at->second.ok() && at->second->matches(packet.bytes, packet.original_length);
}

}  // namespace nf
