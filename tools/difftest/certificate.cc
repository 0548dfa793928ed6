#include "tools/difftest/certificate.h"

#include <sys/utsname.h>

#include "datapath/base/text.h"

namespace nf::difftest {
namespace {

void append_number(std::string& out, const char* what, uint64_t n) {
  out += strf("%-26s %llu\n", what, static_cast<unsigned long long>(n));
}

void append_indented(std::string& out, const char* who, const std::string& text) {
  out += strf("    %s:\n", who);
  bool any = false;
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty()) continue;
    ((out += "      ") += line) += '\n';
    any = true;
  }
  if (!any) out += "      (nothing)\n";
}

}  // namespace

void Certificate::add(const RunResult& result) {
  ++labs;
  cut_short += result.cut_short;
  totals.packets += result.packets;
  totals.frames += result.frames;
  totals.events += result.events;
  totals.rules += result.rules;
  totals.tables_compared += result.tables_compared;
  totals.paths += result.paths;
  totals.path_steps += result.path_steps;
  totals.played_again += result.played_again;
  totals.ports_followed += result.ports_followed;
  totals.expectations += result.expectations;
  totals.expected += result.expected;
  for (const auto& [key, count] : result.excused) totals.excused[key] += count;
}

std::vector<std::string> Certificate::unlisted() const {
  std::vector<std::string> out;
  for (const auto& [key, count] : totals.excused)
    if (!known.contains(key)) out.push_back(key);
  return out;
}

std::string certificate_text(const Certificate& c) {
  std::string out;
  utsname system;
  ::uname(&system);
  out += strf("%-26s %s %s %s\n", "kernel", system.sysname, system.release, system.machine);
  out += strf("%-26s %s\n", "hookpoint", HOOKPOINT_COMMIT);
  if (!c.seeds.empty()) out += strf("%-26s %s\n", "seeds", c.seeds.c_str());
  append_number(out, "labs", c.labs);
  append_number(out, "rules", c.totals.rules);
  append_number(out, "packets compared", c.totals.packets);
  append_number(out, "frames and deliveries", c.totals.frames);
  append_number(out, "events", c.totals.events);
  append_number(out, "paths compared", c.totals.paths);
  append_number(out, "steps of paths", c.totals.path_steps);
  append_number(out, "tables compared", c.totals.tables_compared);
  append_number(out, "random ports followed", c.totals.ports_followed);
  append_number(out, "expectations made", c.totals.expectations);
  append_number(out, "expectations met", c.totals.expected);
  append_number(out, "cases cut short", c.cut_short);
  append_number(out, "played again for a tick", c.totals.played_again);
  append_number(out, "mismatches", c.findings.size());
  out += strf("%-26s %.0f packets/s, %.1f s, %u jobs\n", "rate",
              c.seconds > 0 ? static_cast<double>(c.totals.packets) / c.seconds : 0.0, c.seconds, c.jobs);

  for (const auto& [key, count] : c.totals.excused) {
    const auto known = c.known.find(key);
    out += strf("difference met: %s, %llu times: %s\n", key.c_str(), static_cast<unsigned long long>(count),
                known != c.known.end() ? known->second.c_str() : "NOT LISTED as known (--known)");
  }
  for (const auto& [key, reason] : c.known)
    if (!c.totals.excused.contains(key)) out += "difference known, not met: " + key + "\n";
  for (const std::string& text : c.left_out) out += "left out: " + text + "\n";

  for (const Finding& f : c.findings) {
    out += strf("mismatch: %s, %s", f.where.c_str(), f.mismatch.field.c_str());
    out += f.scenario.empty() ? "\n" : ": " + f.scenario + "\n";
    if (f.mismatch.field == "lab" || f.mismatch.field == "crash") {
      out += "    " + f.mismatch.kernel + "\n";
      continue;
    }
    append_indented(out, "kernel", f.mismatch.kernel);
    append_indented(out, "engine", f.mismatch.engine);
  }
  out += c.passed() ? "PASSED: the engine does what this kernel does.\n" : "FAILED\n";
  return out;
}

}  // namespace nf::difftest
