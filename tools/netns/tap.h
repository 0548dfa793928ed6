// One end of a wire: a TAP link of the namespace whose frames are ours. Non-blocking.
//
// A frame written has been processed by the kernel, and all it caused has been sent, when write() returns.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "datapath/base/result.h"
#include "datapath/packet/headers.h"
#include "tools/netns/fd.h"

namespace nf::netns {

class Tap {
 public:
  // Makes the link, down, in the namespace entered last. It stays until the namespace ends. `ethernet` false: a TUN
  // link, whose frames are IP packets.
  static Result<Tap> make(const std::string& name, const MacAddress& mac, bool ethernet = true);

  // A frame the link does not take (it is down, the frame is shorter than a header) is lost, as on a wire; other
  // failures are errors.
  Status write(std::span<const uint8_t> frame) const;
  // The next frame that came out, in a buffer that the next call of any Tap reuses; empty: none.
  Result<std::span<const uint8_t>> read() const;
  int fd() const { return fd_.get(); }

 private:
  explicit Tap(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace nf::netns
