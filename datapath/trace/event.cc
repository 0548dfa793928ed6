#include "datapath/trace/event.h"

namespace nf {

std::string_view hook_name(HookPoint h) {
  static constexpr std::string_view kNames[kHookPoints] = {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"};
  return kNames[static_cast<size_t>(h)];
}

}  // namespace nf
