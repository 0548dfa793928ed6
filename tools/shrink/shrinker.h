// Makes frames and labs small as long as a condition holds: delta debugging (ddmin.h) on the frames, then tables,
// chains, rules, sysctls, timeouts and network lines, until none of these can lose anything more; then what is in the
// packets.
#pragma once

#include <functional>

#include "tools/shrink/ddmin.h"
#include "tools/shrink/oracle.h"

namespace nf::shrink {

class Shrinker {
 public:
  using Holds = std::function<std::optional<size_t>(const Candidate&)>;
  // `progress`: called before every run.
  using Progress = std::function<void(size_t runs, const Candidate& smallest)>;

  Shrinker(Holds holds, size_t max_runs, Progress progress = {})
      : holds_(std::move(holds)), progress_(std::move(progress)), budget_(max_runs) {}

  // `whole` holds. `plainer`: candidates worth trying first, in their order: each says the same more simply.
  Candidate run(Candidate whole, const std::vector<std::function<Candidate(const Candidate&)>>& plainer = {});
  size_t runs() const { return budget_.used(); }
  bool exhausted() const { return budget_.spent(); }

 private:
  bool keep(Candidate candidate);
  template <class Of, class May>
  void without_some(const Of& of, const May& may);
  template <class Of>
  void without_some(const Of& of) {
    without_some(of, [](const auto&) { return true; });
  }
  void drop_tables();
  void drop_chains();
  void drop_lines(std::string_view prefix);
  void drop_waits();
  void change_contents();

  Holds holds_;
  Progress progress_;
  RunBudget budget_;
  Candidate best_;
};

}  // namespace nf::shrink
