// What the tests of told packets share: a sink that keeps what conntrack says, and steps of a conversation. Only tests
// include it.
#pragma once

#include "conntrack/test_support.h"
#include "datapath/trace/event.h"

namespace nf::ct::test {

struct Heard {
  Said said;
  bool note = false;
};

class Listener final : public trace::Sink {
 public:
  std::vector<Heard> heard;
  std::vector<trace::ConntrackSeen> seen;  // their pointers are gone
  std::vector<trace::ConntrackConfirmed> confirmed;
  void event(const Packet&, const trace::Event& e) override {
    if (const auto* note = std::get_if<trace::Noted>(&e)) heard.push_back({*note->said, true});
    if (const auto* c = std::get_if<trace::ConntrackConfirmed>(&e)) confirmed.push_back(*c);
    if (const auto* s = std::get_if<trace::ConntrackSeen>(&e)) {
      if (s->invalid != nullptr) heard.push_back({*s->invalid, false});
      seen.push_back(*s);
      seen.back().invalid = nullptr;
    }
  }
};

struct Step {
  Bytes bytes;
  HookPoint hook = HookPoint::kPreRouting;
};

inline Step a(const TcpFields& f) { return {tcp_packet(kHostA, 4000, kHostB, 80, f)}; }
inline Step b(const TcpFields& f) { return {tcp_packet(kHostB, 80, kHostA, 4000, f)}; }

// An ICMP error of the replier about what is quoted, as far as `length` bytes.
inline Bytes icmp_error_about(Bytes quoted, size_t length = 28, Be32 to = kHostA) {
  quoted.resize(length);
  return icmp_packet(kHostB, to, 3, 0, quoted);
}

// Through both hooks.
inline void pass(World& w, const Step& step, trace::Sink* sink) {
  PacketPtr p = w.make(step.bytes);
  HookState state = w.at(step.hook);
  state.trace = sink;
  if (w.ct.nf_conntrack_in(p, state) != Verdict::kAccept) return;
  state.hook = HookPoint::kPostRouting;
  w.ct.nf_conntrack_confirm(p, state);
}

}  // namespace nf::ct::test
