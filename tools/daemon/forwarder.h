// The event loop of a running gateway: ports and host in turn, timers, and between batches whatever Asio has (control
// socket, signals, link changes). Sleeps in Asio when nothing came for a while.
//
// While packets come it polls the ports without sleeping; after the last one it keeps looking for `spin` longer,
// because waking up costs more than a short wait (and is what a request-response exchange would feel).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "tools/gateway/gateway.h"

namespace nf {

class Forwarder {
 public:
  struct Options {
    Duration spin = 30 * kMicrosecond;
  };
  Forwarder(boost::asio::io_context& io, Gateway& gateway, Options options);
  ~Forwarder();

  // The port is the caller's. Its frames are received by `dev`.
  void add_port(Device& dev, Port& port);
  void set_host(HostPort& host);

  // Called after each batch and whatever timers did.
  void after_batch(std::function<void()> call) { after_batch_ = std::move(call); }

  // Runs until stop() is called (from a handler).
  void run();
  void stop() { stopped_ = true; }

  // Standing still, whatever comes is thrown away, as by a router that is not there: what waited would be a burst that
  // connections whose windows are not known yet would not believe.
  void stand_still(bool still);

  // Takes in everything the ports and the host have, and what comes of it, until a whole pass finds nothing; from a
  // handler. False: after kSettleLimit there was still something.
  bool settle();
  static constexpr Duration kSettleLimit = kSecond;

  // Nanoseconds since the epoch, steady while the process lives.
  static Time clock();

  uint64_t received() const { return received_; }

 private:
  struct Source;
  bool poll_once();
  bool discard();  // what the ports have; false: nothing
  void sleep_until(Time when);
  void watch(Source& source);

  boost::asio::io_context& io_;
  Gateway& gateway_;
  Options options_;
  std::vector<std::unique_ptr<Source>> sources_;
  HostPort* host_ = nullptr;
  Source* host_source_ = nullptr;  // null: the host sends only in answer (no descriptor)
  bool host_ready_ = false;
  std::vector<PacketPtr> batch_;
  boost::asio::steady_timer timer_;
  std::function<void()> after_batch_ = [] {};
  uint64_t received_ = 0;
  bool stopped_ = false;
  bool still_ = false;
};

}  // namespace nf
