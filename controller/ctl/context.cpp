#include "controller/ctl/context.h"

#include <algorithm>
#include <array>
#include <ostream>
#include <sstream>

#include "controller/manifest/emit.h"

namespace chaos::ctl {
namespace {

// Columns on a terminal: UTF-8's continuation bytes take none.
std::size_t columns(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string painted(const std::string& cell) {
    constexpr std::array kGood{"Pass", "Completed", "Running", "ok"};
    constexpr std::array kBad{"Fail",          "Error",   "Failed", "Rejected",
                              "CleanupFailed", "Invalid", "failed"};
    constexpr std::array kOther{"Aborted",    "Waiting", "Pending", "Injecting",
                                "Recovering", "Paused",  "warning"};
    const auto word = cell.substr(0, cell.find(','));  // "Running,InvalidEdit"
    const auto in = [&](const auto& words) {
        return std::ranges::find(words, word) != words.end();
    };
    const char* code = in(kGood) ? "32" : in(kBad) ? "31" : in(kOther) ? "33" : nullptr;
    return code == nullptr ? cell : "\x1b[" + std::string{code} + "m" + cell + "\x1b[0m";
}

}  // namespace

int failed(const Context& context, const std::string& why, int code) {
    context.err << "chaosctl: " << why << '\n';
    return code;
}

bool print_tree(const Context& context, const manifest::Node& tree) {
    if (context.output == Output::kJson) {
        context.out << manifest::pretty_json(tree) << '\n';
    } else if (context.output == Output::kYaml) {
        context.out << manifest::emit_yaml(tree);
    } else {
        return false;
    }
    return true;
}

void print_outcome(const Context& context, const std::string& name, const std::string& outcome) {
    context.out << "chaosexperiment/" << name;
    if (context.output != Output::kName) context.out << outcome;
    context.out << '\n';
}

void Table::print(std::ostream& out, bool colour) const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], columns(row[i]));
        }
    }
    for (const auto& row : rows_) {
        if (row.empty()) continue;  // a table without a header
        for (std::size_t i = 0; i < row.size(); ++i) {
            out << (colour ? painted(row[i]) : row[i]);
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
