#include "controller/ctl/documents.h"

#include <filesystem>
#include <iostream>
#include <iterator>

#include "controller/source/scanner.h"
#include "controller/status/file.h"

namespace chaos::ctl {
namespace {

manifest::Document problem(std::string message) {
    manifest::Document document;
    document.problems.push_back({{0, 0}, "", std::move(message)});  // of the whole file
    return document;
}

void read_one(const std::string& path, const CustomActions& custom, std::vector<Named>& named) {
    if (path == "-") {
        const std::string text{std::istreambuf_iterator<char>{std::cin}, {}};
        for (auto& document : manifest::decode(text, custom))
            named.push_back({path, std::move(document)});
        return;
    }
    std::error_code ec;
    if (!std::filesystem::is_regular_file(path, ec)) {
        named.push_back(
            {path, problem(std::filesystem::exists(path, ec) ? "is not a regular file"
                                                             : "no such file or directory")});
        return;
    }
    const auto text = status::read_file(path);
    if (!text) {
        named.push_back({path, problem("cannot be read")});
        return;
    }
    for (auto& document : manifest::decode(*text, custom))
        named.push_back({path, std::move(document)});
}

void read_directory(const std::string& path, const CustomActions& custom,
                    std::vector<Named>& named) {
    source::Scanner scanner{path};
    scanner.set_custom(custom);
    const auto scan = scanner.scan(TimePoint{});
    if (!scan.unavailable.empty()) named.push_back({path, problem(scan.unavailable)});
    for (const auto& [file, content] : scan.files) {
        for (const auto& document : content->documents) named.push_back({file, document});
    }
}

}  // namespace

std::vector<Named> read_documents(const std::vector<std::string>& paths,
                                  const CustomActions& custom) {
    std::vector<Named> named;
    for (const auto& path : paths) {
        std::error_code ec;
        if (std::filesystem::is_directory(path, ec)) {
            read_directory(path, custom, named);
        } else {
            read_one(path, custom, named);
        }
    }
    return named;
}

}  // namespace chaos::ctl
