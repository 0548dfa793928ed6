#include "datapath/bridge/mac_table.h"

#include <gtest/gtest.h>

#include <map>

#include "datapath/base/random.h"

namespace nf {
namespace {

MacAddress mac_of(uint32_t n) {
  return {2,
          0,
          static_cast<uint8_t>(n >> 24),
          static_cast<uint8_t>(n >> 16),
          static_cast<uint8_t>(n >> 8),
          static_cast<uint8_t>(n)};
}

// Random operations against std::map; few addresses, so that erasing and finding again happens all the time.
TEST(MacTable, AgreesWithMap) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    MacTable table(seed);
    std::map<MacAddress, FdbEntry> model;
    Device ports[3];
    const uint32_t addresses = seed % 2 == 0 ? 200 : 3000;
    for (int step = 0; step < 20000; ++step) {
      const MacAddress mac = mac_of(random.below(addresses));
      const auto known = model.find(mac);
      const FdbEntry* found = table.find(mac);
      ASSERT_EQ(found != nullptr, known != model.end()) << "seed " << seed << " step " << step;
      if (found != nullptr) {
        ASSERT_EQ(found->port, known->second.port);
        ASSERT_EQ(found->updated, known->second.updated);
      }
      const uint32_t what = random.below(1000);
      if (what == 0) {
        Device* gone = &ports[random.below(3)];
        table.erase_if([gone](const FdbEntry& e) { return e.port == gone; });
        std::erase_if(model, [gone](const auto& m) { return m.second.port == gone; });
      } else if (what < 400) {
        ASSERT_EQ(table.erase(mac), model.erase(mac) == 1);
      } else if (known == model.end()) {
        const FdbEntry e{mac, false, &ports[random.below(3)], step};
        table.insert(e);
        model.emplace(mac, e);
      }
      ASSERT_EQ(table.size(), model.size());
    }
    for (const auto& [mac, e] : model) {
      ASSERT_NE(table.find(mac), nullptr);
      EXPECT_EQ(table.find(mac)->updated, e.updated);
    }
  }
}

}  // namespace
}  // namespace nf
