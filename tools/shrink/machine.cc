#include "tools/shrink/machine.h"

#include <algorithm>
#include <utility>

namespace nf::shrink {
namespace {

// As the scenarios' player has it.
constexpr int kArpRounds = 100;

}  // namespace

Status Machine::configure(const lab::Lab& lab) {
  BackendConfig config;
  config.lab = &lab;
  config.events = options_.events;
  config.rule_paths = options_.paths;
  if (Status s = backend_.configure(config); !s) return s;
  surroundings_.apply(lab.network);
  if (options_.told) backend_.gateway().router().set_trace(&told_);
  return {};
}

Result<Seen> Machine::play(const Frame& frame) {
  const auto port = std::find_if(ports().begin(), ports().end(), [&](const auto& p) { return p.name == frame.link; });
  if (port == ports().end()) return error("no link \"" + frame.link + '"');
  const int number = static_cast<int>(port - ports().begin());
  Seen seen;
  if (frame.gap > 0) {
    if (Status s = backend_.wait_until(backend_.now() + frame.gap); !s) return s.error();
    Result<Came> meanwhile = gather();
    if (!meanwhile) return meanwhile.error();
    seen.meanwhile = meanwhile.take();
  }
  const auto* ip = view<Ipv4Header>(std::span<const uint8_t>(frame.bytes), sizeof(EthernetHeader));
  if (ip != nullptr && !scenario::is_arp(frame.bytes)) surroundings_.sends(number, ip->source.host());
  if (Status s = backend_.inject(number, frame.bytes); !s) return s.error();
  Result<Came> own = gather();
  if (!own) return own.error();
  seen.own = own.take();
  return seen;
}

Result<Came> Machine::gather() {
  Came came;
  for (int round = 0;; ++round) {
    std::vector<Emitted> emitted;
    if (Status s = backend_.collect(emitted); !s) return s.error();
    bool answered = false;
    for (Emitted& e : emitted) {
      if (e.port == kLocalProcesses || !scenario::is_arp(e.bytes)) {
        came.emitted.push_back(std::move(e));
        continue;
      }
      const auto reply = surroundings_.arp_reply(e.port, e.bytes);
      if (!reply) continue;
      if (Status s = backend_.inject(e.port, *reply); !s) return s.error();
      answered = true;
    }
    if (!answered) break;
    if (round == kArpRounds) return error("the machine asks for addresses without end");
  }
  std::stable_sort(came.emitted.begin(), came.emitted.end(),
                   [](const Emitted& a, const Emitted& b) { return a.port < b.port; });
  recorder_.finish();
  came.happened = std::exchange(happened_, {});
  came.log = backend_.take_log().take();
  if (options_.events) came.events = backend_.take_events().take();
  if (options_.paths) came.paths = backend_.take_paths().take();
  return came;
}

}  // namespace nf::shrink
