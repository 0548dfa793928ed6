// `hookpoint run LAB`: the router of the network namespace it is started in.
#pragma once

#include <cstdint>
#include <string>

namespace nf {

struct RunOptions {
  std::string lab;
  std::string control;   // socket path; empty: in the run directory
  std::string host_tun;  // name of a TUN behind which this namespace's processes are; empty: the built-in responder
  std::string trace;     // a file to which every packet's decisions are written; empty: none
  std::string trace_form = "text";  // or "json", which has everything, misses included
  std::string log;                  // a file for the kernel log's lines; empty: stderr
  bool standby = false;             // stand still until a handover from the kernel
  uint64_t seed = 0;                // 0: a random one
};

// Returns the exit code; errors were printed to stderr.
int run_gateway(const RunOptions& options);

}  // namespace nf
