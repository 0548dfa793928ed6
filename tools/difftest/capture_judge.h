// `hookpoint certify LAB --in IF=FILE`: the frames of captures through a lab on the kernel and on the engine, in
// capture order, one right after the other (time is the real one: what a capture waited for is not waited for here).
// ARP requests of the machine are answered with the address the capture knows a station by.
#pragma once

#include "tools/difftest/certificate.h"
#include "tools/difftest/certify.h"

namespace nf::difftest {

// Errors: the lab or a capture cannot be read, a side refuses the lab. Takes the process into a namespace.
Status judge_captures(const CertifyOptions& options, Certificate& certificate);

}  // namespace nf::difftest
