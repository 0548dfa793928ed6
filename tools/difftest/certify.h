// `hookpoint certify`: random labs and traffic on the kernel and on the engine, compared packet by packet, or a
// capture through a lab on both. Prints a certificate.
//
// Labs are numbered: lab i is made from seed + i alone, so any of them is played again by `--seed S --labs 1`. Worker
// processes, each in namespaces of its own, take labs as they come; one that crashes is a finding and is replaced.
// Exit codes: 0 passed, 1 something disagreed that is not listed as known, 2 bad arguments, 3 no kernel to ask (no
// user namespaces, no /dev/net/tun).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nf::difftest {

struct CertifyOptions {
  std::optional<uint64_t> seed;  // a fresh one when not given
  std::optional<uint64_t> labs;  // 200 when neither this nor seconds is given
  uint64_t packets = 500;        // per lab, about
  uint64_t seconds = 0;          // no lab begins later; 0: no limit
  unsigned jobs = 0;             // 0: one per processor
  std::string known;             // file; empty: none are known
  std::string out = "certify-findings";
  bool shrink = true;
  bool paths = true;                       // RunOptions::paths
  std::vector<std::string> engine_sysctl;  // RunOptions::engine_sysctl

  // A capture instead: the lab's folder, and its links' captures.
  std::string lab;
  std::vector<std::pair<std::string, std::string>> inputs;
};

// Returns the exit code; errors were printed to stderr.
int certify(const CertifyOptions& options);

}  // namespace nf::difftest
