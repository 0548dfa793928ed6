// Every way a packet can end without being delivered or sent: one list makes the enum, the counter and its name.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace nf {

// X(name): the counter's name is without the k, its words are those of "drop.NAME" in tools/words/words.inc.
#define NF_DROP_REASONS(X)  \
  X(kNone)                  \
  X(kTruncatedFrame)        \
  X(kUnhandledProtocol)     \
  X(kOtherHost)             \
  X(kDeviceDown)            \
  X(kBridgePortDown)        \
  X(kBridgeBadFrame)        \
  X(kBridgeSamePort)        \
  X(kBridgeNoPort)          \
  X(kIpHeader)              \
  X(kIpChecksum)            \
  X(kIpTruncated)           \
  X(kIpOptions)             \
  X(kIptablesRule)          \
  X(kIptablesPolicy)        \
  X(kIptablesHotdrop)       \
  X(kIptablesLoop)          \
  X(kIptablesReject)        \
  X(kDefragIncomplete)      \
  X(kDefragOverlap)         \
  X(kDefragMalformed)       \
  X(kDefragMemory)          \
  X(kConntrackTableFull)    \
  X(kConntrackClash)        \
  X(kConntrackDying)        \
  X(kConntrackChainTooLong) \
  X(kConntrackHelper)       \
  X(kConntrackRepeat)       \
  X(kNatSetup)              \
  X(kNatMangle)             \
  X(kNatIcmp)               \
  X(kNatNoAddress)          \
  X(kNatOutChanged)         \
  X(kNoRoute)               \
  X(kRouteBlackhole)        \
  X(kRouteUnreachable)      \
  X(kRouteProhibit)         \
  X(kMartianSource)         \
  X(kMartianDestination)    \
  X(kReversePath)           \
  X(kForwardingOff)         \
  X(kForwardNotHost)        \
  X(kTtlExpired)            \
  X(kTooBig)                \
  X(kSourceRoute)           \
  X(kNeighbourFailed)       \
  X(kNeighbourQueueFull)    \
  X(kNoDevice)              \
  X(kTxQueueFull)           \
  X(kTxTooLong)             \
  X(kTransportChecksum)     \
  X(kTransportHeader)       \
  X(kNoProtocol)            \
  X(kNoSocket)              \
  X(kArpIgnored)            \
  X(kArpMalformed)          \
  X(kUnmodelled)

enum class DropReason : uint8_t {
#define NF_X(name) name,
  NF_DROP_REASONS(NF_X)
#undef NF_X
};

#define NF_X(name) +1
inline constexpr size_t kDropReasonCount = 0 NF_DROP_REASONS(NF_X);
#undef NF_X

std::string_view drop_reason_name(DropReason r);  // "TtlExpired"
std::string_view drop_reason_key(DropReason r);   // "drop.TtlExpired"

using DropCounters = std::array<uint64_t, kDropReasonCount>;

}  // namespace nf
