// The TCP tracker against the kernel's: every segment there is against a connection in every state (cases.h). Each case
// is a connection of its own; compared is what came of the opening and the segment, and again behind two more segments.
//   tcp_tracker [--every N] [OPENING...]     one case in N; openings by what their name begins with
// Exit status: 0 they agree, 1 they do not, 2 it could not be tried.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "datapath/base/text.h"
#include "netns-tests/tcp_tracker/cases.h"
#include "netns-tests/tcp_tracker/two_trackers.h"

namespace nf::tcp_tracker {
namespace {

constexpr uint16_t kServerPort = 80;
constexpr uint16_t kFirstPort = 1024;
// So few that the kernel's table is not worth a sweep.
constexpr uint16_t kPortsUntilFlush = 4000;
constexpr uint64_t kToldAtMost = 25;

[[noreturn]] void give_up(const Error& e) {
  std::fprintf(stderr, "tcp_tracker: %s\n", e.str().c_str());
  std::exit(2);
}

class Matrix {
 public:
  Matrix(uint64_t every, std::vector<std::string_view> names) : every_(every), names_(std::move(names)) {}

  // Whether the openings lead where their names say.
  void check_openings() {
    trackers_ = std::make_unique<TwoTrackers>();
    if (Status s = trackers_->configure(settings()[0].sysctls); !s) give_up(s.error());
    for (const Opening& opening : openings()) {
      ++port_;
      if (Status s = trackers_->tick(); !s) give_up(s.error());
      Ends ends(settings()[0].client_isn, settings()[0].server_isn);
      for (const std::string_view word : words(opening.script)) give(ends.say(word));
      if (auto differ = trackers_->compare(tuple()); !differ) give_up(differ.error());
      const std::string_view name = opening.name;
      const std::string_view wanted = name.substr(0, std::min(name.find(','), name.size()));
      if (trackers_->kernel_state() == wanted) continue;
      std::printf("%s (%s): the kernel's is %s\n", opening.name, opening.script, trackers_->kernel_state());
      ++differ_;
    }
  }

  void play(const Setting& setting) {
    trackers_ = std::make_unique<TwoTrackers>();
    if (Status s = trackers_->configure(setting.sysctls); !s) give_up(s.error());
    port_ = kFirstPort;
    for (const Opening& opening : openings()) {
      if (!wanted(opening)) continue;
      for (const Probe& probe : probes()) {
        if (number_++ % every_ != 0) continue;
        if (++port_ - kFirstPort > kPortsUntilFlush) {
          if (Status s = trackers_->flush(); !s) give_up(s.error());
          port_ = kFirstPort;
        }
        play_case(setting, opening, probe);
      }
    }
  }
  uint64_t cases() const { return cases_; }
  uint64_t packets() const { return packets_; }
  uint64_t differ() const { return differ_; }

 private:
  bool wanted(const Opening& opening) const {
    for (const std::string_view name : names_)
      if (std::string_view(opening.name).starts_with(name)) return true;
    return names_.empty();
  }

  ct::Tuple tuple() const {
    ct::Tuple t{};
    t.source = kClient;
    t.destination = kServer;
    t.source_id = be16(port_);
    t.destination_id = be16(kServerPort);
    t.protocol = kProtoTcp;
    return t;
  }

  void give(const Segment& s) {
    const std::vector<uint8_t> packet = packet_of(s, kClient, port_, kServer, kServerPort);
    if (Status status = trackers_->give(s.from_server, packet); !status) give_up(status.error());
    ++packets_;
  }

  // False: they disagree, which is told.
  bool same(const Setting& setting, const Opening& opening, const Probe& probe, const std::string& behind) {
    Result<std::optional<difftest::Difference>> differ = trackers_->compare(tuple());
    if (!differ) give_up(differ.error());
    if (!*differ) return true;
    if (++differ_ <= kToldAtMost) {
      std::printf("%s: %s (%s): %s%s\n  kernel %s\n  engine %s\n", setting.name, opening.name, opening.script,
                  probe.text().c_str(), behind.c_str(), (*differ)->first.c_str(), (*differ)->second.c_str());
    }
    return false;
  }

  void play_case(const Setting& setting, const Opening& opening, const Probe& probe) {
    ++cases_;
    if (Status s = trackers_->tick(); !s) give_up(s.error());
    Ends ends(setting.client_isn, setting.server_isn);
    for (const std::string_view word : words(opening.script)) give(ends.say(word));
    Segment segment{.from_server = probe.from_server, .flags = probe.flags, .length = probe.length};
    ends.say(segment, probe.seq, probe.ack);
    give(segment);
    if (!same(setting, opening, probe, "")) return;
    const auto more = follow_ups();
    const std::string_view first = more[cases_ % more.size()], second = more[cases_ / more.size() % more.size()];
    give(ends.say(first));
    give(ends.say(second));
    same(setting, opening, probe, " " + std::string(first) + " " + std::string(second));
  }

  const uint64_t every_;
  const std::vector<std::string_view> names_;
  std::unique_ptr<TwoTrackers> trackers_;
  uint16_t port_ = kFirstPort;
  uint64_t number_ = 0, cases_ = 0, packets_ = 0, differ_ = 0;
};

}  // namespace
}  // namespace nf::tcp_tracker

int main(int argc, char** argv) {
  using namespace nf;
  using namespace nf::tcp_tracker;
  uint64_t every = 1;
  std::vector<std::string_view> names;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--every") != 0) {
      names.push_back(argv[i]);
      continue;
    }
    const auto n = ++i < argc ? parse_number(argv[i]) : std::nullopt;
    if (!n || *n == 0) {
      std::fprintf(stderr, "usage: tcp_tracker [--every N] [OPENING...]\n");
      return 2;
    }
    every = *n;
  }
  Matrix matrix(every, names);
  matrix.check_openings();
  for (const Setting& setting : settings()) matrix.play(setting);
  if (matrix.cases() == 0) {
    std::fprintf(stderr, "tcp_tracker: no such opening\n");
    return 2;
  }
  std::printf("%llu cases, %llu packets, %llu differ\n", static_cast<unsigned long long>(matrix.cases()),
              static_cast<unsigned long long>(matrix.packets()), static_cast<unsigned long long>(matrix.differ()));
  return matrix.differ() == 0 ? 0 : 1;
}
