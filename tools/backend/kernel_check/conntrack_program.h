// A running `conntrack -E` in the namespace entered last.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tools/netns/fd.h"

namespace nf::kernel_check {

class EventProgram {
 public:
  // Returns when it listens.
  EventProgram();
  ~EventProgram();
  // So many lines, or fewer when no more come for five seconds.
  std::vector<std::string> lines(size_t count);

 private:
  static int listeners();
  pid_t pid_ = -1;
  netns::Fd out_;
  std::string rest_;
};

}  // namespace nf::kernel_check
