#include "tools/daemon/forwarder.h"

#include <algorithm>
#include <chrono>
#include <ctime>

namespace nf {

// One thing to read: a port's frames, or (dev null) the host's packets.
struct Forwarder::Source {
  Source(boost::asio::io_context& io, Device* d, Port* p, int descriptor) : dev(d), port(p), fd(io) {
    boost::system::error_code ec;
    if (descriptor >= 0) fd.assign(descriptor, ec);
  }
  // The descriptor belongs to the port.
  ~Source() { fd.release(); }
  Device* dev;
  Port* port;
  boost::asio::posix::stream_descriptor fd;
  bool waiting = false;
};

Forwarder::Forwarder(boost::asio::io_context& io, Gateway& gateway, Options options)
    : io_(io), gateway_(gateway), options_(options), timer_(io) {}

Forwarder::~Forwarder() {
  batch_.clear();
  for (auto& s : sources_) {
    boost::system::error_code ec;
    s->fd.cancel(ec);
  }
}

void Forwarder::add_port(Device& dev, Port& port) {
  gateway_.router().attach_port(dev, port);
  sources_.push_back(std::make_unique<Source>(io_, &dev, &port, port.fd()));
}

void Forwarder::set_host(HostPort& host) {
  host_ = &host;
  gateway_.router().set_host(&host);
  host.set_sink([this](PacketPtr p) { gateway_.router().send_from_host(std::move(p), clock(), true); });
  if (host.fd() < 0) return;
  sources_.push_back(std::make_unique<Source>(io_, nullptr, nullptr, host.fd()));
  host_source_ = sources_.back().get();
}

Time Forwarder::clock() {
  // The wall clock is read once; from then on time only moves forward.
  static const Time offset = [] {
    timespec wall{}, steady{};
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &steady);
    return (wall.tv_sec - steady.tv_sec) * kSecond + (wall.tv_nsec - steady.tv_nsec);
  }();
  timespec steady{};
  clock_gettime(CLOCK_MONOTONIC, &steady);
  return steady.tv_sec * kSecond + steady.tv_nsec + offset;
}

bool Forwarder::poll_once() {
  if (still_) return discard();
  Router& router = gateway_.router();
  bool any = false;
  for (const auto& s : sources_) {
    if (s->port == nullptr) continue;
    batch_.clear();
    const size_t n = s->port->receive(router.pool(), batch_, 64);
    if (n == 0) continue;
    any = true;
    received_ += n;
    router.receive(*s->dev, batch_, clock());
  }
  if (host_ready_) {
    const size_t n = host_->poll(router.pool(), 64);
    host_ready_ = n > 0;
    any = any || n > 0;
    received_ += n;
  }
  if (any) {
    router.flush();
    if (host_ != nullptr) host_->flush();
    after_batch_();
  }
  return any;
}

bool Forwarder::discard() {
  bool any = false;
  for (const auto& s : sources_) {
    if (s->port == nullptr) continue;
    batch_.clear();
    any = s->port->receive(gateway_.router().pool(), batch_, 64) > 0 || any;
  }
  batch_.clear();
  return any;
}

void Forwarder::stand_still(bool still) {
  if (still_ && !still) {
    while (discard()) {
    }
  }
  still_ = still;
}

bool Forwarder::settle() {
  const Time end = clock() + kSettleLimit;
  bool any = true;
  while (any && clock() < end) {
    gateway_.run_timers(clock());
    gateway_.router().flush();
    after_batch_();
    // Asked outright: that its descriptor is readable is told by Asio later.
    host_ready_ = host_source_ != nullptr;
    any = poll_once();
    for (const auto& s : sources_) any = any || (s->port != nullptr && s->port->queued() > 0);
  }
  return !any;
}

void Forwarder::watch(Source& source) {
  if (source.waiting || !source.fd.is_open()) return;
  source.waiting = true;
  source.fd.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this, &source](boost::system::error_code ec) {
    if (ec == boost::asio::error::operation_aborted) return;
    source.waiting = false;
    if (source.port == nullptr) host_ready_ = true;
  });
}

void Forwarder::sleep_until(Time when) {
  for (const auto& s : sources_) watch(*s);
  // A frame may have come after the last look and before the watch: look once more, now that the watch is set.
  if (poll_once()) return;
  const Duration longest = std::clamp<Duration>(when - clock(), 0, kSecond);
  timer_.expires_after(std::chrono::nanoseconds(longest));
  timer_.async_wait([](boost::system::error_code) {});
  io_.run_one();
  timer_.cancel();
}

void Forwarder::run() {
  Time next_timers = 0;
  Time idle_since = clock();
  unsigned rounds = 0;
  while (!stopped_) {
    const bool any = poll_once();
    const Time now = clock();
    if (now >= next_timers) {
      next_timers = std::min(gateway_.run_timers(now), now + kSecond);
      gateway_.router().flush();
      after_batch_();
    }
    if (any) idle_since = now;
    if (any || now - idle_since < options_.spin) {
      // Control, signals and the host are looked at every so often even under load; a ring is looked at for nothing,
      // the host costs a system call.
      if (++rounds % 16 == 0) {
        if (host_source_ != nullptr && !host_ready_) watch(*host_source_);
        io_.restart();
        io_.poll();
      }
      continue;
    }
    io_.restart();
    sleep_until(next_timers);
    io_.restart();
    io_.poll();
  }
}

}  // namespace nf
