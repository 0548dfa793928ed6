#include "datapath/trace/drop_reason.h"

namespace nf {
namespace {

struct Words {
  std::string_view name, text;
};
constexpr Words kWords[] = {
#define NF_X(name, text) {#name, text},
    NF_DROP_REASONS(NF_X)
#undef NF_X
};

}  // namespace

std::string_view drop_reason_name(DropReason r) { return kWords[static_cast<size_t>(r)].name.substr(1); }
std::string_view drop_reason_text(DropReason r) { return kWords[static_cast<size_t>(r)].text; }

}  // namespace nf
