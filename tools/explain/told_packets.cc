#include "tools/explain/told_packets.h"

namespace nf::explain {

void ToldPackets::event(const Packet& p, const trace::Event& e) {
  if (hide_arp_ && std::holds_alternative<trace::Received>(e)) hidden_ = &p;
  if (hide_arp_ && hidden_ == &p) return;
  const uint64_t before = recorder_.packets();
  recorder_.event(p, e);
  const bool begins = recorder_.packets() != before;
  if (begins) own_ = &p;
  if (probe_ == nullptr || !wanted_) return;
  if (begins) probe_->forget();
  if (own_ == &p) probe_->look(p, e);
}

}  // namespace nf::explain
