// A captured packet made into what the device it is replayed on would have received.
//
//   cut short by the snap length   the missing bytes are zeros: headers, and so every decision, are whole
//   no link header                 an Ethernet header is put in front, addressed to the device (or, when a cooked
//   capture
//                                  tells so, to all stations, to a group, to another station)
//   Ethernet, for a tun device     the header is taken off
//   TCP longer than the MTU        a super-packet, as a capture on the receiving host shows what GRO put together
#pragma once

#include "datapath/hook/device.h"
#include "datapath/port/capture.h"

namespace nf {

// Why a packet of a capture is not replayed.
enum class LeftOut : uint8_t {
  kNo,
  kOwn,       // it was sent by the device it was captured on
  kNotIpv4,   // and there is no Ethernet header that says what else
  kTooLong,   // longer than any packet
  kBadFrame,  // no whole link header
};

struct CapturedFrame {
  PacketPtr packet;  // null: left out
  LeftOut left_out = LeftOut::kNo;
};

CapturedFrame captured_frame(const CapturedPacket& captured, const Device& dev, PacketPool& pool);

}  // namespace nf
