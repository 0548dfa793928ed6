#include "conntrack/pages.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace nf::ct {
namespace {

constexpr size_t kHuge = size_t{2} << 20;

}  // namespace

Pages::Pages(size_t size) : size_(size) {
  const bool huge = size % kHuge == 0;
  // mmap aligns to 4 KiB only: take more and give the ends back.
  const size_t taken = huge ? size + kHuge : size;
  void* p = mmap(nullptr, taken, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) {
    std::perror("conntrack: mmap");
    std::abort();
  }
  if (huge) {
    char* const begin = static_cast<char*>(p);
    const size_t head = (kHuge - reinterpret_cast<uintptr_t>(begin) % kHuge) % kHuge;
    if (head != 0) munmap(begin, head);
    if (kHuge != head) munmap(begin + head + size, kHuge - head);
    p = begin + head;
    madvise(p, size, MADV_HUGEPAGE);
  }
  data_ = p;
}

Pages::~Pages() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace nf::ct
