#include "datapath/iptables/generic_options.h"

namespace nf::ipt {
namespace {

constexpr GenericOption kOptions[] = {
    {'A', Arguments::kOne},      {'D', Arguments::kOne},      {'I', Arguments::kOne},      {'R', Arguments::kOne},
    {'C', Arguments::kOne},      {'L', Arguments::kOptional}, {'S', Arguments::kOptional}, {'F', Arguments::kOptional},
    {'Z', Arguments::kOptional}, {'N', Arguments::kOne},      {'X', Arguments::kOptional}, {'E', Arguments::kOne},
    {'P', Arguments::kOne},      {'s', Arguments::kOne},      {'d', Arguments::kOne},      {'p', Arguments::kOne},
    {'i', Arguments::kOne},      {'o', Arguments::kOne},      {'j', Arguments::kOne},      {'g', Arguments::kOne},
    {'m', Arguments::kOne},      {'t', Arguments::kOne},      {'c', Arguments::kOne},      {'M', Arguments::kOne},
    {'f', Arguments::kNone},     {'n', Arguments::kNone},     {'v', Arguments::kNone},     {'x', Arguments::kNone},
    {'4', Arguments::kNone},     {'6', Arguments::kNone},     {'V', Arguments::kNone},     {'h', Arguments::kOptional},
    {'w', Arguments::kOptional}, {'W', Arguments::kOptional}, {'0', Arguments::kNone},
};

struct LongName {
  std::string_view name;
  char letter;
};
constexpr LongName kLongNames[] = {
    {"append", 'A'},       {"delete", 'D'},        {"check", 'C'},    {"insert", 'I'},        {"replace", 'R'},
    {"list", 'L'},         {"list-rules", 'S'},    {"flush", 'F'},    {"zero", 'Z'},          {"new-chain", 'N'},
    {"delete-chain", 'X'}, {"rename-chain", 'E'},  {"policy", 'P'},   {"source", 's'},        {"destination", 'd'},
    {"src", 's'},          {"dst", 'd'},           {"protocol", 'p'}, {"in-interface", 'i'},  {"jump", 'j'},
    {"table", 't'},        {"match", 'm'},         {"numeric", 'n'},  {"out-interface", 'o'}, {"verbose", 'v'},
    {"wait", 'w'},         {"wait-interval", 'W'}, {"exact", 'x'},    {"fragments", 'f'},     {"version", 'V'},
    {"help", 'h'},         {"line-numbers", '0'},  {"modprobe", 'M'}, {"set-counters", 'c'},  {"goto", 'g'},
    {"ipv4", '4'},         {"ipv6", '6'},
};

}  // namespace

const GenericOption* generic_short_option(char letter) {
  for (const GenericOption& o : kOptions)
    if (o.letter == letter) return &o;
  return nullptr;
}

const GenericOption* generic_long_option(std::string_view name, bool abbreviated) {
  char found = 0;
  for (const LongName& n : kLongNames) {
    if (n.name == name) return generic_short_option(n.letter);
    if (!abbreviated || name.empty() || !n.name.starts_with(name)) continue;
    if (found != 0 && found != n.letter) return nullptr;
    found = n.letter;
  }
  return found == 0 ? nullptr : generic_short_option(found);
}

}  // namespace nf::ipt
