// Trace events into stories, one a packet that came in or that a local process sent.
//
// What this host sends because of a packet (an ICMP error, a reset) stands inside that packet's story (Step::made); a
// packet that goes over lo has one story with two passes. What the events do not say of themselves is added: why nat
// had no part in a hook (datapath/trace/nat_skip.h), which packet and rule decided a connection's NAT, the verdict.
//
// A story ends when the next begins, or with finish(). What happens to a waiting packet later (its next hop answered)
// is told in the story of the packet that let it go on, with the number of the one that waited.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "tools/trace/story.h"

namespace nf::trace {

struct RecorderOptions {
  bool detailed = true;              // misses, the way through the routing tables
  bool keep_bytes = false;           // Story::bytes, Step::bytes
  bool keep_rules = false;           // Step::seen
  std::function<Time()> clock = {};  // for Story::time; none: 0
  // Story::number of the packet that begins (a capture's own numbers); none: they are counted from 1.
  std::function<uint64_t()> number = {};
};

class Recorder final : public Sink {
 public:
  using Done = std::function<void(const Story&)>;
  Recorder(RecorderOptions options, Done done);
  bool detailed() const override { return options_.detailed; }
  void event(const Packet& p, const Event& e) override;
  // Ends the story there is. Before the engine goes away, and whenever what was told so far is wanted.
  void finish();
  uint64_t packets() const { return packets_; }
  // The connections there are now were not made by packets told (an entry loaded, a trace begun late).
  // By their id: what is said of them is "it was there before", or `origin` ("loaded from conntrack.txt:3").
  void known_from(uint32_t connection, std::string origin);

 private:
  // What is known of a packet on its way: the story's own, or one this host makes meanwhile.
  struct Track {
    const Packet* packet = nullptr;
    uint16_t made = 0, pass = 0;
    bool in_hook = false;      // inside the hook point `hook`
    bool nat_told = false;     // and nat's part there is known
    bool forwarded = false;    // routed to another host
    bool over_lo = false;      // sent on lo: it comes back
    bool stray = false;        // met on its way: a copy, one that waited
    bool held = false;         // a fragment, the latest held: its datagram goes on here
    bool ended = false;        // its place in memory may be another packet's, which then enters a hook
    bool hooked = false;       // it has entered one
    bool post_routed = false;  // it has entered POSTROUTING
    HookPoint hook{};
    std::string last_rule = {};                  // "filter:FORWARD:rule:2", "filter:FORWARD:policy"
    Said invalid = {};                           // why conntrack found it so
    const Device *in = nullptr, *out = nullptr;  // of that hook
    std::optional<Seen> seen = {};               // keep_rules: the packet at the last event
  };
  // Who decided what about a connection.
  struct Half {
    uint64_t packet = 0;  // 0: no rule wanted anything
    std::string rule;
  };
  struct Origin {
    uint64_t packet = 0;  // that made it; 0: `before` tells
    std::string before;
    Half half[2];  // by ManipType
  };

  void begin(const Packet& p, const Received& e);
  Track& track_of(const Packet& p, const Event& e);
  // The packet as it is now, and (a rule's target may have changed it) as it was at the last event.
  static Seen look(const Track& t, const Packet& p);
  void keep_seen(Track& t, const Packet& p, size_t steps_before);
  Step& add(const Track& t, StepKind kind, Level level, Said said);

  // --- recorder_steps.cc
  void add_step(Track& t, const Packet& p, const Event& event);
  // Says why nat had no part in the hook that is left now.
  void leave_hook(Track& t);
  void tell(Track& t, const Packet& p, const HookEntered& e);
  void tell(Track& t, const RuleMatched& e);
  void tell(Track& t, const RuleMissed& e);
  void tell(Track& t, const PolicyReached& e);
  void tell(Track& t, const ConntrackSeen& e);
  void tell(Track& t, const ConntrackConfirmed& e);
  void tell(Track& t, const NatSkipped& e);
  void tell(Track& t, const NatSetUp& e);
  void tell(Track& t, const NatRewrote& e);
  void tell(Track& t, const Routed& e);
  void tell(Track& t, const NeighbourAsked& e);
  void tell(Track& t, const Bridged& e);
  void tell(Track& t, const Packet& p, const Sent& e);
  void tell(Track& t, const Packet& p, const Delivered& e);
  void tell(Track& t, const Dropped& e);
  void skip_nat(const Track& t, HookPoint hook, NatSkip reason, uint32_t connection);
  // Where the NAT of a connection comes from, as a sentence; `half`: the one asked about.
  Said decided_by(uint32_t connection, ManipType half) const;
  Said made_by(uint32_t connection) const;

  // --- recorder_verdict.cc
  // The verdict. Whether the packet waits for a next hop, so that more will be told of it.
  bool judge();

  RecorderOptions options_;
  Done done_;
  Story story_;
  bool open_ = false;
  std::vector<Track> tracks_;  // tracks_[0] is the story's own packet
  uint16_t made_ = 0;
  uint64_t packets_ = 0;
  std::map<const Packet*, uint64_t> waiting_;      // packets whose story ended before they did
  std::map<const Packet*, uint64_t> on_loopback_;  // sent there, their story ended before they came back
  std::map<uint32_t, Origin> origins_;             // by connection
};

}  // namespace nf::trace
