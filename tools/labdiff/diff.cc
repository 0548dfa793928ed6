#include "tools/labdiff/diff.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "datapath/base/text.h"
#include "datapath/port/capture_filter.h"
#include "tools/labdiff/lockstep.h"
#include "tools/labdiff/report.h"
#include "tools/replay/progress.h"

namespace nf::labdiff {
namespace {

class Diff {
 public:
  explicit Diff(const DiffOptions& options) : options_(options), links_(links_of(options.inputs)) {}

  Status run() {
    Result<lab::Lab> a = lab::read_lab(options_.lab_a);
    if (!a) return a.error();
    Result<lab::Lab> b = lab::read_lab(options_.lab_b);
    if (!b) return b.error();
    if (Status s = compile(LinkType::kEthernet); !s) return s;
    Groups groups;
    if (Status s = compare_all(*a, *b, groups); !s) return s;
    report_.groups = groups.sorted();
    report_.differ = groups.differ();
    report_.path_only = groups.path_only();
    return tell_examples(*a, *b);
  }

  ExitCode print() {
    const std::string text = options_.output == Output::kJson
                                 ? json_report(report_, options_.language)
                                 : text_report(report_, {options_.language, options_.columns, options_.colour});
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
    for (const std::string& line : notes_) std::fprintf(stderr, "diff: %s\n", line.c_str());
    if (unmodelled_) return ExitCode::kNotModelled;
    return report_.differ > 0 || (options_.paths && report_.path_only > 0) ? ExitCode::kExpectationFailed
                                                                           : ExitCode::kOk;
  }

 private:
  // Of a packet, so far.
  enum class Known : uint8_t { kNotCounted, kSame, kPath, kDiffers };
  static Known known_by(const std::optional<Difference>& difference) {
    if (!difference) return Known::kSame;
    return difference->kind == Kind::kPath ? Known::kPath : Known::kDiffers;
  }

  CapturePlayerOptions player_options() const { return {.seed = options_.seed, .checksum = options_.checksum}; }

  Status compare_all(const lab::Lab& a, const lab::Lab& b, Groups& groups) {
    Lockstep lockstep(player_options());
    if (Status s = lockstep.configure(a, b, links_); !s) return s;
    report_.lab_a = options_.lab_a;
    report_.lab_b = options_.lab_b;
    report_.rules_a = lockstep.rules(0);
    report_.rules_b = lockstep.rules(1);
    const auto one = [&](uint64_t number, const CaptureMerge::Item& item) {
      lockstep.play(item.input, *item.packet, false);
      compare_meanwhile(lockstep, groups);
      const Happened &x = lockstep.a(), &y = lockstep.b();
      const bool compared = !x.empty() || !y.empty(), counted = compared && wanted(*item.packet);
      // A packet that is not wanted can make a connection otherwise for one that is.
      const auto difference = compared ? compare(x, y, report_.rules_a, report_.rules_b) : std::nullopt;
      packets_.push_back(!counted ? Known::kNotCounted : known_by(difference));
      report_.packets += counted;
      if (difference && counted)
        groups.add(number, x.empty() ? y.front().packet : x.front().packet, *difference);
      else if (difference)
        groups.pass(*difference);
      groups.learn(x, y);
    };
    if (Status s = each_packet(one); !s) return s;
    lockstep.finish();
    compare_meanwhile(lockstep, groups);
    note(lockstep);
    return {};
  }

  // What became of packets later, by a timer: differs where they did not differ at once.
  void compare_meanwhile(const Lockstep& lockstep, Groups& groups) {
    std::map<uint64_t, Example> by_number;
    for (const trace::Story& s : lockstep.meanwhile(0)) by_number[s.number].a.push_back(s);
    for (const trace::Story& s : lockstep.meanwhile(1)) by_number[s.number].b.push_back(s);
    for (const auto& [number, later] : by_number) {
      if (number == 0 || number > packets_.size()) continue;
      Known& known = packets_[number - 1];
      auto difference = compare(later.a, later.b, report_.rules_a, report_.rules_b);
      if (!difference || known == Known::kNotCounted || known == Known::kDiffers ||
          (known == Known::kPath && difference->kind == Kind::kPath))
        continue;
      for (std::vector<Said>* ends : {&difference->ends_a, &difference->ends_b})
        for (Said& end : *ends)
          if (end.key == "diff.left_out") end = {"diff.nothing", {}, {}};
      groups.add(number, (later.a.empty() ? later.b : later.a).front().packet, *difference);
      groups.learn(later.a, later.b);
      known = known_by(difference);
      later_.insert(number);
    }
  }

  Status tell_examples(const lab::Lab& a, const lab::Lab& b) {
    const size_t shown = std::min<size_t>(options_.limit, report_.groups.size());
    report_.examples.resize(shown);
    std::multimap<uint64_t, size_t> by_number;
    for (size_t i = 0; i < shown; ++i) by_number.emplace(report_.groups[i].first, i);
    if (by_number.empty()) return {};
    Lockstep lockstep(player_options());
    if (Status s = lockstep.configure(a, b, links_); !s) return s;
    const auto meanwhile = [&] {
      for (size_t side = 0; side < 2; ++side) {
        for (const trace::Story& s : lockstep.meanwhile(side)) {
          if (!later_.contains(s.number)) continue;
          const auto [from, to] = by_number.equal_range(s.number);
          for (auto at = from; at != to; ++at) {
            Example& example = report_.examples[at->second];
            (side == 0 ? example.a : example.b).push_back(s);
          }
        }
      }
    };
    const auto one = [&](uint64_t number, const CaptureMerge::Item& item) {
      const auto [from, to] = by_number.equal_range(number);
      lockstep.play(item.input, *item.packet, from != to);
      meanwhile();
      for (auto at = from; at != to; ++at) {
        report_.examples[at->second] = {lockstep.a(), lockstep.b()};
        // A timer's doing may have begun with a packet this host made.
        if (later_.contains(number))
          report_.groups[at->second].packet = (lockstep.a().empty() ? lockstep.b() : lockstep.a()).front().packet;
      }
    };
    if (Status s = each_packet(one); !s) return s;
    lockstep.finish();
    meanwhile();
    return {};
  }

  template <class Visit>
  Status each_packet(const Visit& visit) {
    Result<std::unique_ptr<CaptureMerge>> merge = CaptureMerge::open(options_.inputs);
    if (!merge) return merge.error();
    Progress progress((*merge)->total_bytes());
    for (uint64_t number = 1;; ++number) {
      const Result<CaptureMerge::Item> item = (*merge)->next();
      if (!item) return item.error();
      if (item->packet == nullptr) return {};
      progress.update(number, (*merge)->bytes_read());
      if (Status s = compile(item->packet->link); !s) return s;
      visit(number, *item);
    }
  }

  Status compile(LinkType link) {
    if (options_.filter.empty() || filters_.contains(link)) return {};
    Result<CaptureFilter> filter = CaptureFilter::compile(options_.filter, link);
    if (!filter) return error("--filter: " + filter.error().text);
    filters_.emplace(link, filter.take());
    return {};
  }
  bool wanted(const CapturedPacket& p) const {
    return options_.filter.empty() || filters_.at(p.link).matches(p.bytes, p.original_length);
  }

  void note(Lockstep& lockstep) {
    notes_ = left_out_lines(lockstep.player(0));
    const std::string* names[] = {&options_.lab_a, &options_.lab_b};
    for (size_t side = 0; side < 2; ++side) {
      for (const auto& hit : lockstep.player(side).gateway().iptables().unmodelled_hits()) {
        notes_.push_back(strf("%s: not modelled: %s: reached by %llu packets", names[side]->c_str(), hit.rule.c_str(),
                              static_cast<unsigned long long>(hit.packets)));
        unmodelled_ = true;
      }
    }
  }

  const DiffOptions& options_;
  std::vector<CaptureLink> links_;
  std::map<LinkType, CaptureFilter> filters_;
  Report report_;
  std::vector<Known> packets_;  // by number, from 1
  std::set<uint64_t> later_;    // packets that differ in what a timer did to them
  std::vector<std::string> notes_;
  bool unmodelled_ = false;
};

}  // namespace

int diff(const DiffOptions& options) {
  Diff diff(options);
  if (const Status s = diff.run(); !s) {
    std::fprintf(stderr, "hookpoint: %s\n", s.error().str().c_str());
    return static_cast<int>(s.error().code);
  }
  return static_cast<int>(diff.print());
}

}  // namespace nf::labdiff
