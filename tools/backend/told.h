// A packet's story as a Backend tells it (ToldPacket).
#pragma once

#include "tools/backend/backend.h"
#include "tools/trace/story.h"

namespace nf {

// The verdict is not among the steps: it repeats one of them, or Story::fate.
ToldPacket told_of(const trace::Story& story);

}  // namespace nf
