#include "tools/backend/kernel_backend.h"
#include "tools/difftest/run.h"

namespace nf::difftest {

PortFollower::ReplyOf reply_of(KernelBackend& kernel) {
  return [&kernel](const ct::Tuple& original) -> std::optional<ct::Tuple> {
    Result<std::optional<ct::Tuple>> reply = kernel.reply_tuple(original);
    return reply ? *reply : std::nullopt;
  };
}

SideBySide::TraceOf trace_of(KernelBackend& kernel) {
  return [&kernel] { return kernel.take_trace_lines(); };
}

Result<RunResult> run_case(const Case& c, const RunOptions& options) {
  KernelBackend kernel;
  return run_case_on(kernel, reply_of(kernel), options.paths ? trace_of(kernel) : nullptr, c, options);
}

}  // namespace nf::difftest
