// The host port: the machine's own local processes. What INPUT accepted is delivered to it, what it sends is OUTPUT.
// twin: what stands above ip_protocol_deliver_rcu and __ip_queue_xmit.
//
// Implementations: Responder (a minimal host without processes), TunHostPort (real processes behind a TUN),
// MemoryHostPort (tests).
// Ownership: deliver() takes its packet; a packet given to the sink belongs to the sink's owner.
// Invariants:
//  1. Packets stand at their IPv4 header both ways (Packet invariant 2 holds for delivered ones).
//  2. The sink may be called from inside deliver(), and the sink may call deliver() again.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "datapath/base/time.h"
#include "datapath/packet/pool.h"
#include "datapath/trace/drop_reason.h"

namespace nf {

class HostPort {
 public:
  // Takes a packet of a local process, at its IPv4 header, not validated.
  using Sink = std::function<void(PacketPtr)>;

  virtual ~HostPort() = default;

  virtual void deliver(PacketPtr p, Time now) = 0;

  // A packet of a process found no way out: kNoRoute, kRouteUnreachable, kRouteProhibit, ... On a machine of its own
  // the process's system call would have failed, so a host that can still tell its process does so here. `p` is as it
  // was sent, and goes to nobody.
  virtual void refused(const Packet& p, DropReason reason) {
    (void)p;
    (void)reason;
  }

  // Where the host's own packets go. Without a sink they are lost.
  void set_sink(Sink sink) { sink_ = std::move(sink); }

  // Gives the sink up to `max` packets that live processes sent meanwhile, never blocks. Returns how many.
  virtual size_t poll(PacketPool&, size_t) { return 0; }
  // Hands everything delivered to the processes.
  virtual void flush() {}
  // Readable when poll() has something; -1: none.
  virtual int fd() const { return -1; }
  // What deliver() takes without help, as in Port.
  virtual bool can_checksum() const { return true; }
  virtual bool can_gso() const { return true; }

 protected:
  void emit(PacketPtr p) {
    if (sink_) sink_(std::move(p));
  }

 private:
  Sink sink_;
};

}  // namespace nf
