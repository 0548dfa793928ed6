// Every way a packet can end without being delivered or sent: one list makes the enum, the counter and the text.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace nf {

// X(name, text). The name is the counter's name.
#define NF_DROP_REASONS(X)                                                                      \
  X(kNone, "not dropped")                                                                       \
  X(kTruncatedFrame, "the frame is shorter than its Ethernet header")                           \
  X(kUnhandledProtocol, "no handler for this EtherType")                                        \
  X(kOtherHost, "the frame is addressed to another station")                                    \
  X(kDeviceDown, "the device is down")                                                          \
  X(kBridgePortDown, "the bridge port may not forward")                                         \
  X(kBridgeBadFrame, "a frame no bridge forwards: impossible source address, or a pause frame") \
  X(kBridgeSamePort, "the bridge would send it back to the port it came from (hairpin off)")    \
  X(kBridgeNoPort, "the bridge has no other port to send it to")                                \
  X(kIpHeader, "malformed IPv4 header")                                                         \
  X(kIpChecksum, "wrong IPv4 header checksum")                                                  \
  X(kIpTruncated, "total length is larger than the frame")                                      \
  X(kIpOptions, "bad or refused IPv4 options")                                                  \
  X(kIptablesRule, "dropped by a rule")                                                         \
  X(kIptablesPolicy, "dropped by a chain's policy")                                             \
  X(kIptablesHotdrop, "a match could not read the header (hotdrop)")                            \
  X(kIptablesLoop, "the jump stack is full")                                                    \
  X(kIptablesReject, "rejected by a rule")                                                      \
  X(kDefragIncomplete, "fragment of a datagram that never became whole")                        \
  X(kDefragOverlap, "overlapping fragment")                                                     \
  X(kDefragMalformed, "malformed fragment")                                                     \
  X(kDefragMemory, "too many fragments are waiting")                                            \
  X(kConntrackTableFull, "nf_conntrack: table full, dropping packet")                           \
  X(kConntrackClash, "the reply tuple is taken at confirm (insert failed)")                     \
  X(kConntrackDying, "the entry died before it was confirmed")                                  \
  X(kConntrackChainTooLong, "the conntrack hash chain is too long")                             \
  X(kConntrackHelper, "dropped by a conntrack helper")                                          \
  X(kConntrackRepeat, "conntrack dropped the packet")                                           \
  X(kNatSetup, "NAT could not set up the connection")                                           \
  X(kNatMangle, "NAT could not rewrite the packet")                                             \
  X(kNatIcmp, "NAT could not translate the ICMP error")                                         \
  X(kNatNoAddress, "MASQUERADE or REDIRECT found no address")                                   \
  X(kNatOutChanged, "a masqueraded connection leaves by another device")                        \
  X(kNoRoute, "no route to the destination")                                                    \
  X(kRouteBlackhole, "a blackhole route")                                                       \
  X(kRouteUnreachable, "an unreachable route")                                                  \
  X(kRouteProhibit, "a prohibit route")                                                         \
  X(kMartianSource, "martian source address")                                                   \
  X(kMartianDestination, "martian destination address")                                         \
  X(kReversePath, "the reverse path filter refused the source (rp_filter)")                     \
  X(kForwardingOff, "forwarding is off")                                                        \
  X(kForwardNotHost, "not for forwarding: the frame was not addressed to this host")            \
  X(kTtlExpired, "TTL exceeded")                                                                \
  X(kTooBig, "larger than the MTU and may not be fragmented")                                   \
  X(kSourceRoute, "strict source route failed")                                                 \
  X(kNeighbourFailed, "the next hop does not answer ARP")                                       \
  X(kNeighbourQueueFull, "too many packets wait for the next hop's address")                    \
  X(kNoDevice, "no device to send on")                                                          \
  X(kTxQueueFull, "the sending port's queue is full")                                           \
  X(kTxTooLong, "longer than the bridge's port may send")                                       \
  X(kTransportChecksum, "wrong transport checksum on local delivery")                           \
  X(kTransportHeader, "malformed transport header on local delivery")                           \
  X(kNoProtocol, "no local handler for this protocol")                                          \
  X(kNoSocket, "no local process listens there")                                                \
  X(kIcmpRateLimited, "an ICMP error held back by the rate limit")                              \
  X(kArpIgnored, "ARP not for this host")                                                       \
  X(kArpMalformed, "malformed ARP")                                                             \
  X(kUnmodelled, "a rule with something not modelled was reached")

enum class DropReason : uint8_t {
#define NF_X(name, text) name,
  NF_DROP_REASONS(NF_X)
#undef NF_X
};

#define NF_X(name, text) +1
inline constexpr size_t kDropReasonCount = 0 NF_DROP_REASONS(NF_X);
#undef NF_X

std::string_view drop_reason_name(DropReason r);  // "kTtlExpired" without the k
std::string_view drop_reason_text(DropReason r);

using DropCounters = std::array<uint64_t, kDropReasonCount>;

}  // namespace nf
