#include "datapath/trace/nat_skip.h"

namespace nf {
namespace {

constexpr std::string_view kKeys[] = {
#define NF_X(name, key) "nat_skip." key,
    NF_NAT_SKIPS(NF_X)
#undef NF_X
};

}  // namespace

std::string_view nat_skip_key(NatSkip s) { return kKeys[static_cast<size_t>(s)]; }
std::string_view nat_skip_name(NatSkip s) { return nat_skip_key(s).substr(sizeof("nat_skip.") - 1); }

}  // namespace nf
