// One worker process of certify: plays labs until there are none left or no time, shrinks what disagrees, writes its
// scenario, reports each lab to the process that started it.
#pragma once

#include <atomic>
#include <cstdint>

#include "tools/difftest/certify.h"
#include "tools/difftest/report_channel.h"

namespace nf::difftest {

// In memory that all workers share.
struct SharedWork {
  std::atomic<uint64_t> next{0};  // the next lab's number
};

struct WorkOrder {
  const CertifyOptions* options = nullptr;
  uint64_t seed = 0;     // of lab 0
  uint64_t labs = 0;     // numbers below
  int64_t deadline = 0;  // CLOCK_MONOTONIC, ns; 0: none
};

// Runs in the forked process. Returns its exit status.
int work(const WorkOrder& order, SharedWork& shared, int report_to);

// One lab, without a process of its own.
LabReport play_lab(uint64_t seed, const CertifyOptions& options);

// CLOCK_MONOTONIC, ns.
int64_t monotonic_now();

}  // namespace nf::difftest
