// Zeroed memory in whole pages, taken from the system and touched only when used; large blocks ask for huge pages, so
// that a table of a million connections does not spend its time in TLB misses.
#pragma once

#include <cstddef>
#include <utility>

namespace nf::ct {

class Pages {
 public:
  Pages() = default;
  // `size` bytes at an address aligned to 2 MiB when size is a multiple of it. Out of memory ends the program.
  explicit Pages(size_t size);
  ~Pages();
  Pages(Pages&& o) noexcept : data_(std::exchange(o.data_, nullptr)), size_(std::exchange(o.size_, 0)) {}
  Pages& operator=(Pages&& o) noexcept {
    std::swap(data_, o.data_);
    std::swap(size_, o.size_);
    return *this;
  }

  void* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace nf::ct
