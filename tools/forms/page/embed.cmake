# Makes C++ of the page's source.
#   cmake -DPAGE=tools/forms/page -DOUT=html_page.cc -P embed.cmake

set(alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

# A SHA-256 in base64: 64 hexadecimal digits are 256 bits, 43 letters and a "=".
function(base64_of_hash text out)
  string(SHA256 hash "${text}")
  set(letters "")
  set(padded "${hash}00")
  foreach(group RANGE 0 21)
    math(EXPR at "${group} * 3")
    string(SUBSTRING "${padded}" ${at} 3 hex)
    math(EXPR twelve_bits "0x${hex}")
    math(EXPR high "${twelve_bits} >> 6")
    math(EXPR low "${twelve_bits} & 63")
    string(SUBSTRING "${alphabet}" ${high} 1 a)
    string(SUBSTRING "${alphabet}" ${low} 1 b)
    string(APPEND letters "${a}${b}")
  endforeach()
  string(SUBSTRING "${letters}" 0 43 letters)
  set(${out} "sha256-${letters}=" PARENT_SCOPE)
endfunction()

file(READ ${PAGE}/page.html frame)
file(READ ${PAGE}/page.css style)
set(script "\"use strict\";\n")
foreach(name model picture_shape picture panels page)
  file(READ ${PAGE}/${name}.js part)
  string(APPEND script "${part}")
endforeach()
base64_of_hash("${style}" style_hash)
base64_of_hash("${script}" script_hash)

file(WRITE ${OUT} "// Made by page/embed.cmake.
#include \"tools/forms/html_page.h\"

namespace nf::forms::html_page {

const std::string_view kFrame = R\"PAGE(${frame})PAGE\";
const std::string_view kStyle = R\"PAGE(${style})PAGE\";
const std::string_view kScript = R\"PAGE(${script})PAGE\";
const std::string_view kStyleHash = \"${style_hash}\";
const std::string_view kScriptHash = \"${script_hash}\";

}  // namespace nf::forms::html_page
")
