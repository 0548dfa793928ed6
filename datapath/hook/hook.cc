#include "datapath/hook/hook.h"

#include <algorithm>

namespace nf {

void HookTable::add(HookPoint hook, int priority, HookFunction function, void* self) {
  auto& list = entries_[static_cast<size_t>(hook)];
  const auto at = std::upper_bound(list.begin(), list.end(), priority,
                                   [](int value, const Entry& e) { return value < e.priority; });
  list.insert(at, Entry{priority, function, self});
}

void HookTable::remove(HookPoint hook, HookFunction function, void* self) {
  std::erase_if(entries_[static_cast<size_t>(hook)],
                [&](const Entry& e) { return e.function == function && e.self == self; });
}

void HookTable::remove_prepare(PrepareFunction function, void* self) {
  std::erase_if(prepare_, [&](const Prepare& e) { return e.function == function && e.self == self; });
}

}  // namespace nf
