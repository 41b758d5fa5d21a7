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
    if (result) return false;
    context.err << "chaosctl: " << result.error().context << '\n';
    return true;
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
    context.out << "chaosexperiment/" << document.name << ' ' << outcome << '\n';
    return true;
}

}  // namespace

int apply_manifest(const Context& context, const std::string& path) {
    const auto documents = read_valid_documents(context, path);
    if (!documents) return kFailed;
    // Read anew for each document: two of them may go into one file.
    for (const auto& document : *documents) {
        const auto items = load_catalog(context);
        if (!items) {
            context.err << "chaosctl: " << items.error().context << '\n';
            return kFailed;
        }
        if (!apply_one(context, *items, document)) return kFailed;
    }
    return kOk;
}

int delete_experiment(const Context& context, const std::string& name) {
    const auto items = load_catalog(context);
    if (!items) {
        context.err << "chaosctl: " << items.error().context << '\n';
        return kFailed;
    }
    const auto* item = find_item(*items, name);
    if (item == nullptr) {
        context.err << "chaosctl: experiment \"" << name << "\" not found in " << context.manifests
                    << '\n';
        return kFailed;
    }
    // Which of two files with one name is in force only the controller knows: guessing wrong would
    // leave the fault in place and say that it is gone.
    std::string paths;
    for (const auto& other : *items) {
        if (other.name == name && other.document) paths += " " + other.path;
    }
    if (paths != " " + item->path) {
        context.err << "chaosctl: \"" << name
                    << "\" stands in several files; remove the one you mean:" << paths << '\n';
        return kFailed;
    }
    const auto documents = documents_of(item->path);
    if (documents.size() > 1) {
        const auto text = rewritten(documents, item->document->index, std::nullopt);
        if (complain(context, status::write_file(item->path, text))) return kFailed;
    } else if (::unlink(item->path.c_str()) != 0) {
        context.err << "chaosctl: " << item->path << ": cannot be removed\n";
        return kFailed;
    }
    context.out << "chaosexperiment/" << name << " deleted\n";
    return kOk;
}

}  // namespace chaos::ctl
