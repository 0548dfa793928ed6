// The page's own source, put into the program by page/embed.cmake.
#pragma once

#include <string_view>

namespace nf::forms::html_page {

extern const std::string_view kFrame;   // page.html; where something is put in stands @NAME@
extern const std::string_view kStyle;   // page.css
extern const std::string_view kScript;  // the *.js, one behind the other
// For the page's Content-Security-Policy: "sha256-" and the hash in base64, of exactly those bytes.
extern const std::string_view kStyleHash, kScriptHash;

}  // namespace nf::forms::html_page
