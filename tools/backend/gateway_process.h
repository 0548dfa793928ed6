// `hookpoint run` as a child: started, waited for until it says "ready", ended by its id.
//
// It is started in the network namespace the calling process is in. When the caller dies, it does too.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "tools/netns/fd.h"

namespace nf {

class GatewayProcess {
 public:
  GatewayProcess() = default;
  ~GatewayProcess() { stop(); }
  GatewayProcess(const GatewayProcess&) = delete;
  GatewayProcess& operator=(const GatewayProcess&) = delete;

  // `arguments` follow the program's name. What it writes to stderr goes to the file `errors`. When it ends before it
  // is ready, the error is the text of that file, with its exit code.
  Status start(const std::string& program, const std::vector<std::string>& arguments, const std::string& errors);
  // SIGTERM, and SIGKILL when that does not end it within five seconds. Idempotent. Returns the exit code.
  int stop();

 private:
  Status wait_ready(const std::string& program, const std::string& errors);
  int wait();  // the exit code; 128 + N after signal N

  pid_t pid_ = -1;
  netns::Fd output_;
};

}  // namespace nf
