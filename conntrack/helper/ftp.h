// FTP (RFC 959, 2428): PORT and EPRT of the client, 227 and 229 of the server announce a connection.
// twin: net/netfilter/nf_conntrack_ftp.c
//
// Only what begins a line is read, and a line begins where one was seen to end: so the first segment of each direction
// is never read. An announcement of another address than the speaker's is passed over (loose=0), one that is not whole
// is dropped.
#pragma once

#include <cstdint>
#include <memory>

#include "conntrack/helper.h"

namespace nf::ct {

// twin: enum nf_ct_ftp_type
enum class FtpCommand : uint8_t { kPort, kPasv, kEprt, kEpsv };

class FtpNat {
 public:
  virtual ~FtpNat() = default;
  // Enters `e` with a port that can be had, and puts it and the address that is seen outside in the place of `length`
  // bytes of payload at `offset`. twin: nf_nat_ftp
  virtual Verdict expect(const HelpInput& in, FtpCommand command, unsigned offset, unsigned length, Expectation& e) = 0;
};

std::unique_ptr<Helper> make_ftp_helper(FtpNat* nat);

}  // namespace nf::ct
