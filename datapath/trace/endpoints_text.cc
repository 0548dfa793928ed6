#include "datapath/trace/endpoints_text.h"

#include "datapath/base/text.h"

namespace nf::trace {

std::string endpoints_text(const Endpoints& e) {
  const std::string source = format_ipv4(e.source), destination = format_ipv4(e.destination);
  if (e.protocol == kProtoIcmp) return strf("%s > %s id %u", source.c_str(), destination.c_str(), e.source_port);
  if (e.source_port == 0 && e.destination_port == 0) return source + " > " + destination;
  return strf("%s:%u > %s:%u", source.c_str(), e.source_port, destination.c_str(), e.destination_port);
}

}  // namespace nf::trace
