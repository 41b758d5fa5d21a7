// apply and delete: the manifests directory is the API, so both only change files, atomically.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <ostream>

#include "controller/ctl/catalog.h"
#include "controller/ctl/verbs.h"
#include "controller/status/file.h"

namespace chaos::ctl {
namespace {

namespace fs = std::filesystem;

bool complain(const Context& context, const Result<>& result) {
    return !result && failed(context, result.error().context) != kOk;
}

std::string with_newline(std::string text) {
    if (!text.ends_with('\n')) text += '\n';
    return text;
}

// The file's documents in order, with one replaced (or, with nullopt, left out).
std::string rewritten(const std::vector<manifest::Document>& documents, int index,
                      const std::optional<std::string>& replacement) {
    std::string text;
    for (const auto& document : documents) {
        if (document.index == index && !replacement) continue;
        if (!text.empty()) text += "---\n";
        text += with_newline(document.index == index ? *replacement : document.text);
    }
    return text;
}

const Item* find_item(const std::vector<Item>& items, const std::string& name) {
    for (const auto& item : items) {
        if (item.name == name && item.document) return &item;
    }
    return nullptr;
}

std::vector<manifest::Document> documents_of(const std::string& path) {
    return manifest::decode(status::read_file(path).value_or(""));
}

bool apply_one(const Context& context, const std::vector<Item>& items,
               const manifest::Document& document) {
    const auto* existing = find_item(items, document.name);
    const bool same = existing != nullptr && existing->document->text == document.text;
    const char* outcome = existing == nullptr ? "created" : same ? "unchanged" : "configured";
    if (!same) {
        const auto path = existing != nullptr
                              ? existing->path
                              : (fs::path{context.manifests} / (document.name + ".yaml")).string();
        const auto text = existing != nullptr ? rewritten(documents_of(path),
                                                          existing->document->index, document.text)
                                              : with_newline(document.text);
        if (complain(context, status::write_file(path, text))) return false;
    }
    print_outcome(context, document.name, std::string{" "} + outcome);
    return true;
}

}  // namespace

int apply_manifests(const Context& context, const std::vector<std::string>& paths) {
    const auto documents = read_valid_documents(context, paths);
    if (!documents) return kFailed;
    // Read anew for each document: two of them may go into one file.
    for (const auto& document : *documents) {
        const auto items = load_catalog(context);
        if (!items) return failed(context, items.error().context);
        if (!apply_one(context, *items, document)) return kFailed;
    }
    return kOk;
}

namespace {

int delete_one(const Context& context, const std::string& name) {
    const auto items = load_catalog(context);
    if (!items) return failed(context, items.error().context);
    const auto* item = find_item(*items, name);
    if (item == nullptr) return not_found(context, name);
    // Which of two files with one name is in force only the controller knows: guessing wrong would
    // leave the fault in place and say that it is gone.
    std::string paths;
    for (const auto& other : *items) {
        if (other.name == name && other.document) paths += " " + other.path;
    }
    if (paths != " " + item->path) {
        return failed(context,
                      "\"" + name + "\" stands in several files; remove the one you mean:" + paths);
    }
    const auto documents = documents_of(item->path);
    if (documents.size() > 1) {
        const auto text = rewritten(documents, item->document->index, std::nullopt);
        if (complain(context, status::write_file(item->path, text))) return kFailed;
    } else if (::unlink(item->path.c_str()) != 0) {
        return failed(context, item->path + ": cannot be removed");
    }
    print_outcome(context, name, " deleted");
    return kOk;
}

}  // namespace

int delete_experiments(const Context& context, std::vector<std::string> names,
                       const std::vector<std::string>& paths) {
    if (names.empty() == paths.empty()) {
        return failed(context, "delete: expected names, or files with -f", kUsage);
    }
    if (!paths.empty()) {
        const auto documents = read_valid_documents(context, paths);
        if (!documents) return kFailed;
        for (const auto& document : *documents) names.push_back(document.name);
    }
    int code = kOk;
    for (const auto& name : names) {
        if (delete_one(context, name) != kOk) code = kFailed;
    }
    return code;
}

}  // namespace chaos::ctl
