// Events told while another one is not complete, kept until it is: what they only borrow is copied.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "datapath/trace/event.h"

namespace nf::ipt {

class HeldEvents final : public trace::Sink {
 public:
  // `to`: who will get them.
  explicit HeldEvents(trace::Sink& to) : to_(to) {}

  bool detailed() const override { return to_.detailed(); }
  void event(const Packet& p, const trace::Event& e) override;
  // Tells all of them, of the packet as it is now.
  void release(const Packet& p);

 private:
  trace::Sink& to_;
  std::vector<trace::Event> events_;
  // What the events point to; a deque's elements stay where they are.
  std::deque<std::string> texts_;
  std::deque<Said> said_;
};

}  // namespace nf::ipt
