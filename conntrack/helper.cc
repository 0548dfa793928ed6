#include "conntrack/helper.h"

#include <string>

#include "datapath/trace/drop_reason.h"
#include "datapath/trace/event.h"

namespace nf::ct {

Verdict Helper::drop(const HelpInput& in, std::string_view text) const {
  in.conntrack.stack().log("nf_ct_" + std::string(name_) + ": dropping packet: " + std::string(text) + ' ');
  in.p.drop_reason = static_cast<uint8_t>(DropReason::kConntrackHelper);
  if (in.state.trace != nullptr) {
    const Said said{"remark.helper", {std::string(name_), std::string(text)}, {}};
    in.state.trace->event(in.p, trace::Noted{&said});
  }
  return Verdict::kDrop;
}

void HelperRegistry::add(std::unique_ptr<Helper> helper) { helpers_.push_back(std::move(helper)); }

const Helper* HelperRegistry::find(std::string_view name, uint8_t protocol) const {
  for (const std::unique_ptr<Helper>& h : helpers_)
    if (h->name() == name && h->protocol() == protocol) return h.get();
  return nullptr;
}

}  // namespace nf::ct
