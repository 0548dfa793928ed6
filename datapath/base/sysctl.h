// The sysctl tree: every tunable under its kernel name, owned by the module that reads it.
//
// A module registers a pointer to its own int; the registry writes through it. Names use dots
// ("net.netfilter.nf_conntrack_tcp_loose"); a slash form is accepted on lookup.
// Invariant: a name is registered once and its variable outlives the registry's use.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "datapath/base/result.h"

namespace nf {

class SysctlTable {
 public:
  struct Entry {
    int64_t* value = nullptr;
    int64_t min = INT32_MIN;
    int64_t max = INT32_MAX;
    bool read_only = false;
    std::function<void(int64_t)> on_change = nullptr;  // after the value was stored; may be empty
    // Bounds that are other variables (ipfrag_low_thresh <= ipfrag_high_thresh); null: none.
    const int64_t* not_below = nullptr;
    const int64_t* not_above = nullptr;
  };

  void add(std::string name, Entry entry) { entries_[std::move(name)] = std::move(entry); }
  // net.ipv4.conf.IF.* entries come and go with their device.
  void remove(const std::string& name) { entries_.erase(name); }

  // Error text without a place: the caller knows file and line.
  Status set(std::string_view name, std::string_view value);
  Result<int64_t> get(std::string_view name) const;
  const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }

 private:
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace nf
