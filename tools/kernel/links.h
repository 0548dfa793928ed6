// The kernel's links, as the calling process's network namespace has them: a snapshot, and a monitor of changes.
// twin: rtnetlink RTM_*LINK
//
// Ownership: snapshots are plain values. A LinkMonitor owns its socket and its snapshot. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"
#include "datapath/packet/headers.h"
#include "tools/kernel/netlink.h"

namespace nf {

struct KernelLink {
  int ifindex = 0;
  std::string name;
  MacAddress mac{};      // zero when the link has no Ethernet address
  uint32_t mtu = 0;      // bytes
  std::string kind;      // "veth", "bridge", "tun" ...; empty for hardware and loopback
  int master = 0;        // ifindex of the bridge or bond it belongs to; 0: none
  bool up = false;       // IFF_UP
  bool running = false;  // IFF_RUNNING: carrier
  bool no_arp = false;   // IFF_NOARP
  bool loopback = false;
  bool operator==(const KernelLink&) const = default;
};

// By ascending ifindex.
Result<std::vector<KernelLink>> read_links();
Result<KernelLink> read_link(const std::string& name);
// Needs CAP_NET_ADMIN in the namespace. mtu 0: as it is.
Status set_link_up(const std::string& name, bool up, uint32_t mtu = 0);

class LinkMonitor {
 public:
  enum class Change : uint8_t { kAdded, kChanged, kRemoved };
  // A removed link is given as it was last known.
  using Callback = std::function<void(const KernelLink& link, Change change)>;

  // Subscribes, then takes a first snapshot without calling back: no change can fall between.
  static Result<std::unique_ptr<LinkMonitor>> open(Callback callback);

  // Readable when poll() has something to do.
  int fd() const { return nl_socket_get_fd(socket_.get()); }
  // Takes in what the kernel told, never blocks. Calls back once per link that differs. After lost messages the
  // links are read anew and compared.
  Status poll();

  // What is known now, by ifindex. Reading it asks nobody.
  const std::map<int, KernelLink>& links() const { return links_; }
  const KernelLink* find(std::string_view name) const;

 private:
  explicit LinkMonitor(Callback callback) : callback_(std::move(callback)) {}
  static int on_message(nl_msg* message, void* self);
  void update(const KernelLink& link);
  void remove(int ifindex);
  Status resynchronize();

  Callback callback_;
  nl::Socket socket_;
  std::map<int, KernelLink> links_;
};

}  // namespace nf
