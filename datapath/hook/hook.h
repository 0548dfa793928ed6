// The netfilter hooks: functions registered at a hook point with a priority, run in order.
// twin: nf_register_net_hook and nf_hook_slow, net/netfilter/core.c
//
// conntrack, nat and the tables register here; nothing below them knows their names.
// Invariants:
//  1. Functions of one hook point run by ascending priority; equal priorities in order of registration.
//  2. A function that returns kStolen has moved the packet out of the PacketPtr; any other verdict leaves a packet
//     in it (possibly another one: a reassembled datagram).
//  3. A function that returns kDrop has set Packet::drop_reason.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "datapath/base/time.h"
#include "datapath/hook/device.h"
#include "datapath/packet/packet.h"
#include "datapath/trace/event.h"

namespace nf {

class Stack;

// twin: NF_DROP..., uapi/linux/netfilter.h (values)
enum class Verdict : uint8_t { kDrop = 0, kAccept = 1, kStolen = 2, kRepeat = 4 };

// twin: enum nf_ip_hook_priorities, uapi/linux/netfilter_ipv4.h
namespace priority {
inline constexpr int kDefrag = -400;
inline constexpr int kRaw = -300;
inline constexpr int kConntrack = -200;
inline constexpr int kMangle = -150;
inline constexpr int kNatDst = -100;
inline constexpr int kFilter = 0;
inline constexpr int kSecurity = 50;
inline constexpr int kNatSrc = 100;
inline constexpr int kHelper = 300;
inline constexpr int kConfirm = INT32_MAX;
}  // namespace priority

// twin: struct nf_hook_state
struct HookState {
  HookPoint hook;
  const Device* in = nullptr;   // null at OUTPUT and POSTROUTING of local packets
  const Device* out = nullptr;  // null at PREROUTING and INPUT
  Stack* stack = nullptr;
  Time now = 0;
  trace::Sink* trace = nullptr;  // non-null only while the packet is traced
};

using HookFunction = Verdict (*)(void* self, PacketPtr& p, const HookState& state);

// Called with a batch before any of its packets is processed, to compute hashes and prefetch memory. It has no side
// effect that a packet's fate could depend on. Packets stand at their IPv4 header.
using PrepareFunction = void (*)(void* self, std::span<Packet* const> batch);

// What the stack asks of connection tracking when it makes or copies packets. twin: struct nf_ct_hook
struct ConnectionHooks {
  void* self = nullptr;
  // Takes another reference for a copied packet. twin: nf_conntrack_get
  void (*get)(void* self, uintptr_t ct) = nullptr;
  // Gives `to`, an error or reset about `from`, the connection of `from` as RELATED. twin: nf_ct_attach
  void (*attach)(void* self, Packet& to, const Packet& from) = nullptr;
  // A rejected connection is closed. twin: nf_ct_set_closing
  void (*set_closing)(void* self, uintptr_t ct) = nullptr;
  // Enters the packet's connection, if that was not done, but tells nobody yet: its next packet does.
  // twin: nf_ct_hook's confirm
  Verdict (*confirm)(void* self, PacketPtr& p, const HookState& state) = nullptr;
};

class HookTable {
 public:
  struct Entry {
    int priority;
    HookFunction function;
    void* self;
  };
  void add(HookPoint hook, int priority, HookFunction function, void* self);
  void remove(HookPoint hook, HookFunction function, void* self);
  std::span<const Entry> entries(HookPoint hook) const { return entries_[static_cast<size_t>(hook)]; }

  void add_prepare(PrepareFunction function, void* self) { prepare_.push_back({function, self}); }
  void remove_prepare(PrepareFunction function, void* self);
  void prepare(std::span<Packet* const> batch) const {
    for (const auto& f : prepare_) f.function(f.self, batch);
  }

  void set_connection_hooks(const ConnectionHooks& hooks) { connection_ = hooks; }
  // Any function may be null: nothing tracks.
  const ConnectionHooks& connection() const { return connection_; }

  // Runs the hook's functions. kAccept: go on; kDrop: the packet is still in `p`, with its reason; kStolen: gone.
  Verdict run(PacketPtr& p, const HookState& state) const {
    for (const Entry& e : entries(state.hook)) {
      Verdict v = e.function(e.self, p, state);
      while (v == Verdict::kRepeat) v = e.function(e.self, p, state);
      if (v != Verdict::kAccept) return v;
    }
    return Verdict::kAccept;
  }

 private:
  struct Prepare {
    PrepareFunction function;
    void* self;
  };
  std::vector<Entry> entries_[kHookPoints];
  std::vector<Prepare> prepare_;
  ConnectionHooks connection_;
};

}  // namespace nf
