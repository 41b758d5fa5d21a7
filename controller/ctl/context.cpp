#include "controller/ctl/context.h"

#include <algorithm>
#include <ostream>
#include <sstream>

namespace chaos::ctl {
namespace {

// Columns on a terminal: UTF-8's continuation bytes take none.
std::size_t columns(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

void Table::print(std::ostream& out) const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], columns(row[i]));
        }
    }
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            out << row[i];
            if (i + 1 < row.size()) out << std::string(widths[i] - columns(row[i]) + 2, ' ');
        }
        out << '\n';
    }
}

std::string wrapped(const std::string& text, std::size_t indent, std::size_t width) {
    std::istringstream words{text};
    std::string result;
    std::string line;
    for (std::string word; words >> word;) {
        if (!line.empty() && indent + line.size() + 1 + word.size() > width) {
            result += std::string(indent, ' ') + line + '\n';
            line.clear();
        }
        line += (line.empty() ? "" : " ") + word;
    }
    if (!line.empty()) result += std::string(indent, ' ') + line + '\n';
    return result;
}

}  // namespace chaos::ctl
