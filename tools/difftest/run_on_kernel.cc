#include "tools/backend/kernel_backend.h"
#include "tools/difftest/run.h"

namespace nf::difftest {

PortFollower::ReplyOf reply_of(KernelBackend& kernel) {
  return [&kernel](const ct::Tuple& original) -> std::optional<ct::Tuple> {
    Result<std::optional<ct::Tuple>> reply = kernel.reply_tuple(original);
    return reply ? *reply : std::nullopt;
  };
}

Result<RunResult> run_case(const Case& c, const RunOptions& options) {
  KernelBackend kernel;
  return run_case_on(kernel, reply_of(kernel), c, options);
}

}  // namespace nf::difftest
