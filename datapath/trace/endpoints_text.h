// The two ends of a connection or of a packet in a few words: "192.168.66.1:39002 > 192.168.66.100:80",
// "10.0.0.1 > 10.0.0.2 id 7" (ICMP), "10.0.0.1 > 10.0.0.2" (no ports). Made only for somebody who wants to know.
#pragma once

#include <string>

#include "datapath/trace/event.h"

namespace nf::trace {

std::string endpoints_text(const Endpoints& e);

}  // namespace nf::trace
