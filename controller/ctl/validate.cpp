#include <filesystem>
#include <map>
#include <ostream>

#include "controller/ctl/verbs.h"
#include "controller/json/json.h"
#include "controller/manifest/decode.h"
#include "controller/source/scanner.h"
#include "controller/status/file.h"

namespace chaos::ctl {
namespace {

struct Checked {
    std::string path;
    manifest::Document document;
};

manifest::Document problem(std::string message) {
    manifest::Document document;
    document.problems.push_back({{}, "", std::move(message)});
    return document;
}

// Reading one byte more than allowed would do, but a user's file is a user's file.
void check_file(const std::string& path, std::vector<Checked>& checked) {
    std::error_code ec;
    if (!std::filesystem::is_regular_file(path, ec)) {
        checked.push_back(
            {path, problem(std::filesystem::exists(path, ec) ? "is not a regular file"
                                                             : "no such file or directory")});
        return;
    }
    const auto text = status::read_file(path);
    if (!text) {
        checked.push_back({path, problem("cannot be read")});
        return;
    }
    auto documents = manifest::decode(*text);
    if (documents.empty())
        documents.push_back(problem("found no document, expected a ChaosExperiment"));
    for (auto& document : documents) checked.push_back({path, std::move(document)});
}

void check_directory(const std::string& path, std::vector<Checked>& checked) {
    source::Scanner scanner{path};
    const auto scan = scanner.scan(TimePoint{});
    if (!scan.unavailable.empty()) checked.push_back({path, problem(scan.unavailable)});
    for (const auto& [file, content] : scan.files) {
        for (const auto& document : content->documents) checked.push_back({file, document});
    }
}

void note_duplicates(std::vector<Checked>& checked) {
    std::map<std::string, std::string> first;
    for (auto& item : checked) {
        if (item.document.name.empty()) continue;
        const auto [it, added] = first.emplace(item.document.name, item.path);
        if (added) continue;
        item.document.problems.push_back(
            {{},
             "metadata.name",
             "duplicate name \"" + item.document.name + "\", also in " + it->second});
    }
}

void print_json(const Context& context, const std::vector<Checked>& checked) {
    json::Writer out{json::Writer::Style::kPretty};
    out.begin_array();
    for (const auto& item : checked) {
        out.begin_object();
        out.key("path").value(item.path);
        out.key("document").value(item.document.index);
        out.key("name").value(item.document.name);
        out.key("valid").value(item.document.problems.empty());
        out.key("problems").begin_array();
        for (const auto& p : item.document.problems) {
            out.begin_object();
            out.key("line").value(p.mark.line).key("column").value(p.mark.column);
            out.key("field").value(p.path).key("message").value(p.message);
            out.end_object();
        }
        out.end_array().end_object();
    }
    out.end_array();
    context.out << out.text() << '\n';
}

}  // namespace

int validate(const Context& context, const std::vector<std::string>& paths) {
    std::vector<Checked> checked;
    for (const auto& path : paths) {
        std::error_code ec;
        if (std::filesystem::is_directory(path, ec)) {
            check_directory(path, checked);
        } else {
            check_file(path, checked);
        }
    }
    note_duplicates(checked);
    std::size_t broken = 0;
    for (const auto& item : checked) broken += item.document.problems.empty() ? 0 : 1;
    if (context.output == Output::kJson) {
        print_json(context, checked);
    } else {
        for (const auto& item : checked) {
            for (const auto& p : item.document.problems) {
                context.err << manifest::render(item.path, p) << '\n';
            }
            if (item.document.problems.empty()) {
                context.out << item.path << ": " << item.document.name << " is valid\n";
            }
        }
    }
    return broken == 0 ? kOk : kFailed;
}

}  // namespace chaos::ctl
