// What came out, for people: a line per frame, "out lan tcp ..." or "deliver icmp ...".
#pragma once

#include <string>
#include <vector>

#include "tools/backend/backend.h"

namespace nf::difftest {

std::string emitted_text(const std::vector<BackendPort>& ports, const std::vector<Emitted>& emitted);

}  // namespace nf::difftest
