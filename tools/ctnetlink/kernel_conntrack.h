// The connection table of the kernel, of the network namespace this process is in: read and changed.
// stands for: conntrack -L, -I, -D and their `expect` forms. Needs CAP_NET_ADMIN there.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "conntrack/entry_state.h"
#include "conntrack/expect_state.h"
#include "datapath/base/result.h"
#include "tools/kernel/netlink.h"

namespace nf::ctnetlink {

class KernelConntrack {
 public:
  static Result<std::unique_ptr<KernelConntrack>> open();

  // IPv4 only.
  Result<std::vector<ct::EntryState>> entries();
  Result<std::vector<ct::ExpectState>> expectations();

  // What the kernel answered: 0, or an errno. An error: it could not be asked.
  Result<int> create(const ct::EntryState& state);
  Result<int> remove(const ct::EntryState& state);  // by its original tuple
  Result<int> create(const ct::ExpectState& state);
  Result<int> remove(const ct::ExpectState& state);

 private:
  using Visit = std::function<void(const nlmsghdr&)>;
  KernelConntrack() = default;
  static nl::Message begin(int subsystem, int type, int flags);
  Result<int> transact(nl_msg* message, const Visit& visit = {});

  nl::Socket socket_;
  uint32_t sequence_ = 0;
};

}  // namespace nf::ctnetlink
