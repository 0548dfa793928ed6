// Rule paths out of the engine's trace events.
#pragma once

#include <utility>
#include <vector>

#include "datapath/trace/event.h"
#include "tools/backend/backend.h"

namespace nf {

class PathSink final : public trace::Sink {
 public:
  void event(const Packet& p, const trace::Event& e) override;
  // The paths of the packets since the last call, in order of their first rule.
  std::vector<RulePath> take();

 private:
  // A packet on its way is known by its place in memory, which is used again when it is gone.
  std::vector<std::pair<const Packet*, size_t>> open_;
  std::vector<RulePath> paths_;
};

}  // namespace nf
