// What a worker process tells the one that started it, through a pipe: whole reports, in order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/difftest/certificate.h"

namespace nf::difftest {

struct LabReport {
  uint64_t seed = 0;
  bool begun = false;  // only says that the lab is begun
  RunResult result;
  std::optional<Finding> finding;
};

// False: nobody reads any more.
bool write_report(int fd, const LabReport& report);

// Bytes as they come, reports as they are complete.
class ReportReader {
 public:
  // Reads what is there; false at the end of the pipe.
  bool read_from(int fd);
  std::optional<LabReport> next();

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace nf::difftest
