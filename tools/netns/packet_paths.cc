#include "tools/netns/packet_paths.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace nf::netns {
namespace {

struct Way {
  std::vector<std::string> steps;
  bool routed = false;  // it came in and has left PREROUTING,
  size_t branch = 0;    // after so many steps
  const TraceLine* last = nullptr;
  uint64_t touched = 0;
};

bool is_input_or_forward(HookPoint h) { return h == HookPoint::kLocalIn || h == HookPoint::kForward; }

// Whether the packet whose last line was `from` may be the one that `to` tells of.
bool goes_on(const TraceLine& from, const TraceLine& to) {
  if (from.mark != to.mark) return false;
  if (from.hook == to.hook)
    return from.in == to.in && from.out == to.out && from.port_in == to.port_in && from.port_out == to.port_out;
  switch (from.hook) {
    case HookPoint::kPreRouting:
      return is_input_or_forward(to.hook) || to.hook == HookPoint::kPostRouting;
    case HookPoint::kForward:
      return to.hook == HookPoint::kPostRouting && from.out == to.out && from.port_out == to.port_out;
    case HookPoint::kLocalOut:
      return to.hook == HookPoint::kPostRouting;
    default:
      return false;
  }
}

// What is told of a step in a path; empty: nothing.
std::string step_of(const TraceLine& line) {
  const std::string_view place = line.place;
  const size_t number = place.rfind(':');
  if (number == place.npos) return {};
  const std::string_view what = place.substr(0, number);
  if (what.ends_with(":return")) return {};
  return std::string(what.ends_with(":policy") ? what : place);
}

class Paths {
 public:
  void add(const TraceLine& line) {
    Way& way = line.begins ? beginning(line) : going_on(line);
    if (line.hook != HookPoint::kPreRouting && way.last != nullptr && way.last->hook == HookPoint::kPreRouting) {
      way.routed = true;
      way.branch = way.steps.size();
    }
    way.last = &line;
    way.touched = ++clock_;
    if (std::string step = step_of(line); !step.empty()) way.steps.push_back(std::move(step));
  }

  std::vector<std::vector<std::string>> take() {
    std::vector<std::vector<std::string>> out;
    for (Way& way : ways_)
      if (!way.steps.empty()) out.push_back(std::move(way.steps));
    return out;
  }

 private:
  Way& beginning(const TraceLine& line) {
    if (line.hook == HookPoint::kPreRouting && line.in == "lo") {
      // What goes over lo comes back in the order it went.
      for (const bool seen_to_leave : {true, false}) {
        for (Way& way : ways_) {
          const bool out = way.last->hook == HookPoint::kLocalOut || way.last->hook == HookPoint::kPostRouting;
          if (out && way.last->mark == line.mark && (!seen_to_leave || way.last->out == "lo")) return way;
        }
      }
    }
    return ways_.emplace_back();
  }

  Way& going_on(const TraceLine& line) {
    Way* found = latest([&](const Way& way) { return goes_on(*way.last, line); });
    if (found != nullptr) return *found;
    // A copy went first: what it met is its own, the packet goes on.
    found = latest([](const Way& way) { return way.routed; });
    const bool copied = found != nullptr && found->last->mark == line.mark && found->last->in == line.in &&
                        line.hook != HookPoint::kLocalOut;
    if (!copied) return ways_.emplace_back();
    Way copy;
    const auto at = found->steps.begin() + static_cast<std::ptrdiff_t>(found->branch);
    copy.steps.assign(std::make_move_iterator(at), std::make_move_iterator(found->steps.end()));
    found->steps.erase(at, found->steps.end());
    copy.last = found->last;
    const size_t packet = static_cast<size_t>(found - ways_.data());
    ways_.push_back(std::move(copy));
    return ways_[packet];
  }

  template <class May>
  Way* latest(const May& may) {
    Way* found = nullptr;
    for (Way& way : ways_)
      if (may(way) && (found == nullptr || way.touched > found->touched)) found = &way;
    return found;
  }

  std::vector<Way> ways_;
  uint64_t clock_ = 0;
};

}  // namespace

std::vector<std::vector<std::string>> packet_paths(const std::vector<TraceLine>& lines) {
  Paths paths;
  for (const TraceLine& line : lines) paths.add(line);
  return paths.take();
}

}  // namespace nf::netns
