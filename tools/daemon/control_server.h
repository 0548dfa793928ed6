// The control socket of a running gateway (mode 0600): answers commands between batches of packets.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/commands/commands.h"
#include "tools/commands/tracer.h"
#include "tools/gateway/gateway.h"

namespace nf {

class ControlServer {
 public:
  // What is asked of whoever runs the gateway. `now` gives its time; `settle` does everything there is to do until
  // nothing is left, or says why it could not; `handover` answers the command of that name.
  struct Runner {
    std::function<Time()> now;
    std::function<Status()> settle;
    std::function<CommandReply(const std::vector<std::string>&)> handover;
  };
  ControlServer(boost::asio::io_context& io, Gateway& gateway, Tracer& tracer, Runner runner);
  ~ControlServer();

  // Makes the socket. Empty path: PID.sock in control::default_directory(). A stale socket is replaced, a living one
  // is an error.
  Status listen(const std::string& path);
  const std::string& path() const { return path_; }

 private:
  struct Client;
  // The request `client` has sent, when it is whole.
  static std::optional<std::vector<std::string>> take_request(Client& client);
  void accept();
  void read(const std::shared_ptr<Client>& client);
  void answer(const std::shared_ptr<Client>& client, const std::vector<std::string>& words);
  void write(const std::shared_ptr<Client>& client, std::string bytes);
  void finish(const std::shared_ptr<Client>& client, int exit_code);
  void pump(const std::shared_ptr<Client>& client);
  // Goes on with stories until the client leaves, says `stop`, or has enough.
  void trace(const std::shared_ptr<Client>& client, const std::vector<std::string>& words);
  void stop_tracing(const std::shared_ptr<Client>& client);
  // Of a client that follows events or stories: its leaving, its `sync`, its `stop`.
  void watch(const std::shared_ptr<Client>& client);
  void sync(const std::shared_ptr<Client>& client, const std::vector<std::string>& words);
  void stop_listening(const std::shared_ptr<Client>& client);
  void leave(const std::shared_ptr<Client>& client);

  boost::asio::io_context& io_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  boost::asio::steady_timer retry_;
  Gateway& gateway_;
  Tracer& tracer_;
  Runner runner_;
  std::string path_;
  std::list<std::shared_ptr<Client>> clients_;
};

}  // namespace nf
