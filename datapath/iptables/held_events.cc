#include "datapath/iptables/held_events.h"

namespace nf::ipt {
namespace {

// Each event names here what it borrows; a new kind of event does not compile before it is looked at.
template <class Text, class Sentence>
struct Borrowed {
  Text text;
  Sentence sentence;

  void operator()(trace::RuleMatched& e) { text(e.table), text(e.chain), text(e.target), text(e.rule); }
  void operator()(trace::RuleMissed& e) { text(e.table), text(e.chain), text(e.rule), sentence(e.why); }
  void operator()(trace::PolicyReached& e) { text(e.table), text(e.chain); }
  void operator()(trace::ConntrackSeen& e) { text(e.before), text(e.after), sentence(e.invalid); }
  void operator()(trace::NatSetUp& e) { text(e.range), sentence(e.choice); }
  void operator()(trace::ExpectationMade& e) { text(e.helper); }
  void operator()(trace::ExpectationMet& e) { text(e.helper); }
  void operator()(trace::PayloadMangled& e) { text(e.helper); }
  void operator()(trace::Routed& e) { text(e.rule), text(e.route); }
  void operator()(trace::Noted& e) { sentence(e.said); }
  void operator()(trace::Received&) {}
  void operator()(trace::HookEntered&) {}
  void operator()(trace::ConntrackConfirmed&) {}
  void operator()(trace::NatSkipped&) {}
  void operator()(trace::NatRewrote&) {}
  void operator()(trace::SequenceAdjusted&) {}
  void operator()(trace::TtlDecremented&) {}
  void operator()(trace::NeighbourAsked&) {}
  void operator()(trace::FragmentHeld&) {}
  void operator()(trace::Reassembled&) {}
  void operator()(trace::Fragmented&) {}
  void operator()(trace::Bridged&) {}
  void operator()(trace::Delivered&) {}
  void operator()(trace::Sent&) {}
  void operator()(trace::Dropped&) {}
};

}  // namespace

void HeldEvents::event(const Packet&, const trace::Event& e) {
  const auto text = [this](std::string_view& view) {
    if (!view.empty()) view = texts_.emplace_back(view);
  };
  const auto sentence = [this](const Said*& said) {
    if (said != nullptr) said = &said_.emplace_back(*said);
  };
  std::visit(Borrowed<decltype(text), decltype(sentence)>{text, sentence}, events_.emplace_back(e));
}

void HeldEvents::release(const Packet& p) {
  for (const trace::Event& e : events_) to_.event(p, e);
}

}  // namespace nf::ipt
