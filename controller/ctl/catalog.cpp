#include "controller/ctl/catalog.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "controller/ctl/documents.h"
#include "controller/source/scanner.h"
#include "controller/status/file.h"

namespace chaos::ctl {
namespace {

namespace fs = std::filesystem;

manifest::Node read_status(const std::string& path) {
    const auto text = status::read_file(path);
    if (!text) return {};
    auto documents = manifest::load_yaml(*text);
    if (documents.size() != 1 || !documents[0].ok()) return {};
    return std::move(documents[0].root);
}

std::string status_path(const Context& context, const std::string& manifest_path,
                        const std::string& name) {
    const auto directory = context.status_dir.empty() ? fs::path{manifest_path}.parent_path()
                                                      : fs::path{context.status_dir};
    return (directory / (name + ".status.yaml")).string();
}

// Whether a status says that its manifest is the file.
bool is_from(const manifest::Node& status, const std::string& path) {
    const auto* source = status.at("status", "source", "path");
    if (source == nullptr) return false;
    std::error_code ec;
    return source->scalar == path || fs::equivalent(source->scalar, path, ec);
}

// A broken file, or one whose name is taken, has the name but not the status.
bool is_of_another(const Item& item) {
    const auto* source = item.status.at("status", "source", "path");
    if (source == nullptr || source->scalar.empty()) return false;
    const fs::path owner{source->scalar};
    std::error_code ec;
    if (!fs::exists(owner, ec)) return false;
    return owner.filename() != fs::path{item.path}.filename() || !is_from(item.status, item.path);
}

// Status files whose manifest is gone: aborted experiments stay visible for a while.
void add_leftovers(const Context& context, std::vector<Item>& items) {
    std::set<std::string> known;
    for (const auto& item : items) known.insert(item.name);
    std::error_code ec;
    const auto root = context.status_dir.empty() ? context.manifests : context.status_dir;
    for (const auto& entry : fs::recursive_directory_iterator{root, ec}) {
        const auto name = entry.path().filename().string();
        if (!name.ends_with(".status.yaml") || name.starts_with('.')) continue;
        auto status = read_status(entry.path().string());
        const auto* metadata = status.find("metadata");
        const auto experiment = metadata == nullptr ? std::string{} : metadata->text_at("name");
        if (experiment.empty() || !known.insert(experiment).second) continue;
        // A broken document that does not say its name may be the experiment's all the same.
        const auto broken = std::ranges::find_if(items, [&](const Item& item) {
            return item.document && item.document->name.empty() && item.status.is_null() &&
                   is_from(status, item.path);
        });
        if (broken != items.end()) {
            broken->name = experiment;
            broken->status = std::move(status);
        } else {
            items.push_back({experiment, "", std::nullopt, std::move(status), false});
        }
    }
}

}  // namespace

std::string Item::field(std::string_view key) const {
    const auto* body = status.find("status");
    return body == nullptr ? std::string{} : body->text_at(key);
}

int not_found(const Context& context, const std::string& name) {
    return failed(context, "experiment \"" + name + "\" not found in " + context.manifests);
}

std::optional<std::vector<manifest::Document>> read_valid_documents(
    const Context& context, const std::vector<std::string>& paths) {
    std::vector<manifest::Document> valid;
    bool broken = false;
    for (auto& [path, document] : read_documents(paths, context.config.custom_actions)) {
        for (const auto& problem : document.problems) {
            broken = true;
            context.err << manifest::render(path, problem) << '\n';
        }
        valid.push_back(std::move(document));
    }
    if (broken) return std::nullopt;
    return valid;
}

Result<std::vector<Item>> load_catalog(const Context& context) {
    source::Scanner scanner{context.manifests};
    scanner.set_custom(context.config.custom_actions);
    auto scan = scanner.scan(TimePoint{});
    if (!scan.unavailable.empty()) return fail(ErrorCode::kNotFound, scan.unavailable);
    std::vector<Item> items;
    for (const auto& [path, file] : scan.files) {
        for (const auto& document : file->documents) {
            const auto name =
                document.name.empty() ? fs::path{path}.stem().string() : document.name;
            Item item{name, path, document, read_status(status_path(context, path, name)), false};
            if (is_of_another(item)) {
                item.status = {};
                item.duplicate = true;
            }
            items.push_back(std::move(item));
        }
    }
    add_leftovers(context, items);
    std::ranges::sort(items, [](const Item& a, const Item& b) {
        return std::pair{a.name, a.path} < std::pair{b.name, b.path};
    });
    return items;
}

}  // namespace chaos::ctl
