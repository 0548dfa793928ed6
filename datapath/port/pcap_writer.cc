#include "datapath/port/pcap_writer.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace nf {
namespace {

constexpr uint32_t kMagicMicro = 0xa1b2c3d4, kMagicNano = 0xa1b23c4d;

template <size_t N>
std::array<uint8_t, 4 * N> little(const uint32_t (&words)[N]) {
  std::array<uint8_t, 4 * N> out;
  for (size_t i = 0; i < N; ++i)
    for (size_t b = 0; b < 4; ++b) out[4 * i + b] = static_cast<uint8_t>(words[i] >> 8 * b);
  return out;
}

}  // namespace

Result<std::unique_ptr<PcapWriter>> PcapWriter::open(const std::string& path, const Options& options) {
  FILE* file = path == "-" ? fdopen(dup(1), "wb") : std::fopen(path.c_str(), "wbe");
  if (file == nullptr) return error_at(path, 0, std::strerror(errno));
  std::unique_ptr<PcapWriter> w(new PcapWriter(path, file, options));
  const auto header = little({options.nanoseconds ? kMagicNano : kMagicMicro, 2u | 4u << 16, 0, 0, kSnaplen,
                              static_cast<uint32_t>(options.link)});
  w->put(header.data(), header.size());
  return w;
}

PcapWriter::~PcapWriter() {
  if (file_ != nullptr) std::fclose(file_);
}

void PcapWriter::put(const void* data, size_t size) {
  if (error_ == 0 && size != 0 && std::fwrite(data, 1, size, file_) != size) error_ = errno != 0 ? errno : EIO;
}

bool PcapWriter::write(Time time, std::span<const uint8_t> bytes, uint32_t original_length) {
  if (file_ == nullptr || error_ != 0) return false;
  const Time t = std::max<Time>(time, 0);
  const uint32_t fraction = static_cast<uint32_t>(t % kSecond / (options_.nanoseconds ? 1 : kMicrosecond));
  const uint32_t length = static_cast<uint32_t>(std::min<size_t>(bytes.size(), kSnaplen));
  const uint32_t original = original_length != 0 ? original_length : static_cast<uint32_t>(bytes.size());
  const auto header = little({static_cast<uint32_t>(t / kSecond), fraction, length, original});
  put(header.data(), header.size());
  put(bytes.data(), length);
  return error_ == 0;
}

bool PcapWriter::flush() {
  if (file_ != nullptr && error_ == 0 && std::fflush(file_) != 0) error_ = errno;
  return file_ != nullptr && error_ == 0;
}

Status PcapWriter::close() {
  if (file_ != nullptr) {
    if (std::fclose(file_) != 0 && error_ == 0) error_ = errno;
    file_ = nullptr;
  }
  if (error_ != 0) return error_at(path_, 0, std::strerror(error_));
  return {};
}

}  // namespace nf
