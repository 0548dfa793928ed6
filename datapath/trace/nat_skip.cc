#include "datapath/trace/nat_skip.h"

namespace nf {
namespace {

struct Words {
  std::string_view key, text;
};
constexpr Words kWords[] = {
#define NF_X(name, key, text) {key, text},
    NF_NAT_SKIPS(NF_X)
#undef NF_X
};

}  // namespace

std::string_view nat_skip_key(NatSkip s) { return kWords[static_cast<size_t>(s)].key; }
std::string_view nat_skip_text(NatSkip s) { return kWords[static_cast<size_t>(s)].text; }

}  // namespace nf
