// A trace as text for people: a block per packet, a line per decision, in the order things happened.
//
//   packet 1 ens33 tcp 192.168.66.1:39002 > 192.168.66.100:80 SYN length 60
//     PREROUTING in=ens33
//       conntrack: NEW, created; SYN_SENT; ...
//       nat:DOCKER:2 DNAT
//     ...
//     sent on veth50b382d
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "datapath/trace/event.h"

namespace nf {

class TextSink final : public trace::Sink {
 public:
  // `write` gets whole lines, each with its newline.
  explicit TextSink(std::function<void(std::string_view)> write) : write_(std::move(write)) {}
  void event(const Packet& p, const trace::Event& e) override;
  uint64_t packets() const { return packets_; }

 private:
  void line(int depth, const std::string& text);
  std::function<void(std::string_view)> write_;
  uint64_t packets_ = 0;
};

// "tcp 192.168.66.1:39002 > 192.168.66.100:80 SYN length 60" for a packet at its IPv4 header or at its link header.
std::string describe(const Packet& p);
std::string describe(const trace::Endpoints& e);

}  // namespace nf
