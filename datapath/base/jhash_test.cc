#include "datapath/base/jhash.h"

#include <gtest/gtest.h>

namespace nf {
namespace {

// driver5 of Bob Jenkins' lookup3.c prints these for an empty key. Values for four words, as NAT hashes addresses, are
// the kernel's own choices in nat/unique_tuple_test.cc.
TEST(Jhash2, EmptyInputIsTheConstant) {
  EXPECT_EQ(jhash2(nullptr, 0, 0), 0xdeadbeefu);
  EXPECT_EQ(jhash2(nullptr, 0, 0xdeadbeefu), 0xbd5b7ddeu);
}

}  // namespace
}  // namespace nf
