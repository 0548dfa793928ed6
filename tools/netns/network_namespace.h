// A fresh network namespace, made without root. stands for: unshare -Urnm
//
// Invariants:
//  1. The first one also takes the process into a user and a mount namespace of its own, for good, with a private /run
//     (the lock of iptables): the machine's own settings cannot be touched from then on. The process must have one
//     thread.
//  2. Sockets, /proc/sys and programs started belong to the namespace entered last; enter() goes back to an earlier
//  one.
//  3. The kernel ends a namespace, and what is in it, when the last object and descriptor that names it is gone.
#pragma once

#include <string>

#include "datapath/base/result.h"
#include "tools/netns/fd.h"

namespace nf::netns {

class NetworkNamespace {
 public:
  // Makes one and enters it; it has lo, down, and nothing else.
  static Result<NetworkNamespace> make();
  // The process's network namespace is this one from now on.
  Status enter() const;

 private:
  explicit NetworkNamespace(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

// Writes a tunable of the namespace entered last. `name` as sysctl.conf(5) has it: the first separator tells whether
// dots or slashes separate. An error of a tunable that a namespace may not change has ExitCode::kNotModelled.
Status write_sysctl(const std::string& name, const std::string& value);

}  // namespace nf::netns
