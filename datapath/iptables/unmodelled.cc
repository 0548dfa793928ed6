#include "datapath/iptables/unmodelled.h"

namespace nf::ipt {

void VerbatimOptions::take(const Words& words, size_t begin, size_t end, bool inverted) {
  if (inverted) text_ += " !";
  for (size_t i = begin; i < end; ++i) text_ += " " + quote_word(words.text[i], words.quoted[i]);
}

}  // namespace nf::ipt
