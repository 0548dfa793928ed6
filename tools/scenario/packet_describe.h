// Bytes as a spec: what packet_text.h's readers need beyond it.
#pragma once

#include "tools/scenario/packet_text.h"

namespace nf::scenario {

// Whether TCP, UDP and ICMP are read, or any protocol is IP payload (`proto N`).
enum class Inside : uint8_t { kTransport, kNothing };
PacketSpec describe_packet(std::span<const uint8_t> bytes, Layer layer, Inside inside);

// Without what a packet has when nothing is said.
PacketSpec without_defaults(PacketSpec spec);

}  // namespace nf::scenario
