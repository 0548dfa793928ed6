#include "nat/helper/helpers.h"

namespace nf::nat {

struct HelperNats::Impl {
  Nat& nat;
  ct::HelperNat interfaces;
};

HelperNats::HelperNats(Nat& nat) : impl_(std::make_unique<Impl>(Impl{nat, {}})) {}
HelperNats::~HelperNats() = default;
const ct::HelperNat& HelperNats::interfaces() const { return impl_->interfaces; }

}  // namespace nf::nat
