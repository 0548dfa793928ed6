// What `hookpoint trace` asks for.
//
//   trace [--frames CODE] [--packets CODE] [-o FORM] [--hooks] [--rate N] [--count N] [--verbose LEVEL | -q | -v]
//   [--lang en|zh]
//         [--color always|never]
//
// Filters come compiled (datapath/port/capture_filter.h): a name in one is resolved by whoever asks, as the gateway's
// one thread waits for no name server.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "datapath/base/result.h"
#include "tools/forms/form.h"

namespace nf {

struct TraceRequest {
  // Bytecode, for frames and for IPv4 packets. Without `frames` every packet passes; with it and without `packets` what
  // begins as an IPv4 packet does not.
  std::string frames, packets;
  std::string form = "text";
  forms::FormOptions options;
  uint64_t rate = 100;  // packets told a second at most
  uint64_t count = 0;   // ends after so many; 0: goes on
};

// The words behind "trace".
Result<TraceRequest> read_trace_request(std::span<const std::string> words);

}  // namespace nf
