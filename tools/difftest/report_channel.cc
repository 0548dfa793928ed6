#include "tools/difftest/report_channel.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace nf::difftest {
namespace {

// Both ends are the same program: numbers in its own byte order, texts with their length in front.
class Out {
 public:
  void number(uint64_t n) {
    const auto* p = reinterpret_cast<const uint8_t*>(&n);
    bytes.insert(bytes.end(), p, p + sizeof n);
  }
  void text(std::string_view s) {
    number(s.size());
    bytes.insert(bytes.end(), s.begin(), s.end());
  }
  std::vector<uint8_t> bytes;
};

class In {
 public:
  explicit In(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  uint64_t number() {
    uint64_t n = 0;
    if (bytes_.size() < sizeof n) return 0;
    std::memcpy(&n, bytes_.data(), sizeof n);
    bytes_ = bytes_.subspan(sizeof n);
    return n;
  }
  std::string text() {
    const uint64_t length = std::min<uint64_t>(number(), bytes_.size());
    std::string out(reinterpret_cast<const char*>(bytes_.data()), length);
    bytes_ = bytes_.subspan(length);
    return out;
  }

 private:
  std::span<const uint8_t> bytes_;
};

}  // namespace

bool write_report(int fd, const LabReport& report) {
  Out out;
  out.number(report.seed);
  out.number(report.begun);
  const RunResult& r = report.result;
  for (const uint64_t n :
       {r.packets, r.frames, r.events, r.rules, r.tables_compared, r.paths, r.path_steps, r.played_again,
        r.ports_followed, r.expectations, r.expected, uint64_t{r.cut_short}, uint64_t{r.excused.size()}})
    out.number(n);
  for (const auto& [key, count] : r.excused) {
    out.text(key);
    out.number(count);
  }
  out.number(report.finding.has_value());
  if (report.finding) {
    const Finding& f = *report.finding;
    out.number(f.mismatch.step);
    for (const std::string* s : {&f.where, &f.mismatch.field, &f.mismatch.kernel, &f.mismatch.engine, &f.scenario})
      out.text(*s);
  }
  Out whole;
  whole.number(out.bytes.size());
  whole.bytes.insert(whole.bytes.end(), out.bytes.begin(), out.bytes.end());
  for (std::span<const uint8_t> rest = whole.bytes; !rest.empty();) {
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    rest = rest.subspan(static_cast<size_t>(n));
  }
  return true;
}

bool ReportReader::read_from(int fd) {
  uint8_t buffer[65536];
  ssize_t n;
  do n = ::read(fd, buffer, sizeof buffer);
  while (n < 0 && errno == EINTR);
  if (n <= 0) return false;
  bytes_.insert(bytes_.end(), buffer, buffer + n);
  return true;
}

std::optional<LabReport> ReportReader::next() {
  uint64_t length;
  if (bytes_.size() < sizeof length) return std::nullopt;
  std::memcpy(&length, bytes_.data(), sizeof length);
  if (bytes_.size() - sizeof length < length) return std::nullopt;
  In in(std::span<const uint8_t>(bytes_).subspan(sizeof length, length));
  LabReport report;
  report.seed = in.number();
  report.begun = in.number() != 0;
  RunResult& r = report.result;
  for (uint64_t* n : {&r.packets, &r.frames, &r.events, &r.rules, &r.tables_compared, &r.paths, &r.path_steps,
                      &r.played_again, &r.ports_followed, &r.expectations, &r.expected})
    *n = in.number();
  r.cut_short = in.number() != 0;
  for (uint64_t keys = in.number(); keys > 0; --keys) {
    const std::string key = in.text();
    r.excused[key] = in.number();
  }
  if (in.number() != 0) {
    Finding f;
    f.mismatch.step = in.number();
    for (std::string* s : {&f.where, &f.mismatch.field, &f.mismatch.kernel, &f.mismatch.engine, &f.scenario})
      *s = in.text();
    report.finding = std::move(f);
  }
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(sizeof length + length));
  return report;
}

}  // namespace nf::difftest
