// What `hookpoint trace` asks for.
//
//   trace [--filter EXPR] [-o FORM] [--hooks] [--rate N] [--count N] [--verbose LEVEL | -q | -v] [--lang en|zh]
//         [--color always|never]
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "datapath/base/result.h"
#include "tools/forms/form.h"

namespace nf {

struct TraceRequest {
  std::string filter;  // a tcpdump expression; empty: every packet
  std::string form = "text";
  forms::FormOptions options;
  uint64_t rate = 100;  // packets told a second at most
  uint64_t count = 0;   // ends after so many; 0: goes on
};

// The words behind "trace".
Result<TraceRequest> read_trace_request(std::span<const std::string> words);

}  // namespace nf
