// The asking side of a gateway's control socket (control_protocol.h). Everything waits; a signal does not end a wait.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "datapath/base/result.h"
#include "tools/control/control_protocol.h"

namespace nf::control {

class Connection {
 public:
  // The error is the system's words alone, and `errno` is still set.
  static Result<Connection> open(const std::string& path);
  Connection(Connection&& other) noexcept : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)) {}
  Connection& operator=(Connection&& other) noexcept;
  ~Connection();

  int fd() const { return fd_; }
  // False: the gateway is gone.
  bool send(const std::vector<std::string>& words);
  // A whole frame that was read already.
  std::optional<Frame> take() { return take_frame(buffer_); }
  // Reads once what has come, waiting for it if nothing has. False: the gateway hung up.
  bool fill();
  // The next frame, waited for; nullopt: the gateway hung up.
  std::optional<Frame> next();

 private:
  explicit Connection(int fd) : fd_(fd) {}
  int fd_ = -1;
  std::string buffer_;
};

struct Reply {
  std::string out, err;
  int exit_code = 0;
};
// One command from beginning to end. The error: there is no gateway, or it went away.
Result<Reply> ask(const std::string& path, const std::vector<std::string>& words);

}  // namespace nf::control
