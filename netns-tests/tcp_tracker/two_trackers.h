// The kernel and the engine forwarding between two links, given the same packets, and compared in all that can be seen
// of connection tracking: whether a packet passes and with which --ctstate (a rule writes it into DSCP), the events,
// and the entry with its state, timeout, status, and both sides' flags and window scale.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/backend/kernel_backend.h"
#include "tools/backend/memory_backend.h"
#include "tools/difftest/compare.h"
#include "tools/netns/netlink_socket.h"

namespace nf::tcp_tracker {

inline constexpr Be32 kClient = ip4(10, 1, 0, 2), kServer = ip4(10, 2, 0, 9);

class TwoTrackers {
 public:
  // `sysctls`: lines of sysctl.conf.
  Status configure(const std::string& sysctls);
  // Both have no connection from now on.
  Status flush();

  // The engine's time is the kernel's of now.
  Status tick();
  // A packet of the client or the server.
  Status give(bool from_server, std::span<const uint8_t> packet);
  // What came of the packets since the last call, and the entry that has this tuple: what differs, if anything.
  Result<std::optional<difftest::Difference>> compare(const ct::Tuple& tuple);
  // Of the kernel's entry as of the last compare(): "SYN_SENT"; "NONE" when there is none.
  const char* kernel_state() const { return ct::tcp_state_name(kernel_entry_.state); }

 private:
  struct Entry {
    std::string text;  // empty: there is none
    ct::TcpState state = ct::TcpState::kNone;
    int64_t seconds = 0;
  };
  Result<Entry> kernel_entry(const ct::Tuple& tuple);
  Entry engine_entry(const ct::Tuple& tuple);

  KernelBackend kernel_;
  std::unique_ptr<MemoryBackend> engine_;
  std::optional<netns::NetlinkSocket> ask_;
  std::vector<Emitted> kernel_out_, engine_out_;
  std::vector<uint8_t> frame_;
  Entry kernel_entry_;  // as of the last compare()
  difftest::Excuses excuses_;
};

}  // namespace nf::tcp_tracker
