#include "controller/runtime/publisher.h"

#include <algorithm>
#include <filesystem>

#include "controller/manifest/emit.h"
#include "controller/manifest/yaml.h"
#include "controller/status/file.h"

namespace chaos::runtime {
namespace {

constexpr std::string_view kHeader = "# Written by chaos-controller; edits are overwritten.\n";

manifest::Node read_document(const std::string& path) {
    const auto text = status::read_file(path);
    if (!text) return {};
    auto documents = manifest::load_yaml(*text);
    return documents.size() == 1 && documents[0].ok() ? std::move(documents[0].root)
                                                      : manifest::Node{};
}

std::filesystem::path without_ending(const std::string& path) {
    return std::filesystem::path{path}.filename().stem();
}

}  // namespace

std::string Publisher::beside(const std::string& manifest_path, const std::string& name) const {
    const auto directory = directory_.empty() ? std::filesystem::path{manifest_path}.parent_path()
                                              : std::filesystem::path{directory_};
    return (directory / (name + ".status.yaml")).string();
}

void Publisher::write(Published& published, const std::string& path, const status::Facts& facts,
                      TimePoint now) {
    if (published.path != path) {
        if (!published.path.empty()) writer_.submit(published.path, std::nullopt);
        if (published.transitions.empty()) {
            published.transitions = status::transitions_of(read_document(path));
        }
        published.path = path;
    }
    const auto document = status::build(facts, published.transitions, now);
    published.transitions = status::transitions_of(document);
    auto text = std::string{kHeader} + manifest::emit_yaml(document);
    writer_.submit(path, std::move(text));
}

void Publisher::publish(const status::Facts& facts, TimePoint now) {
    write(experiments_[facts.name], beside(facts.source.path, facts.name), facts, now);
}

void Publisher::forget(const std::string& name) {
    const auto it = experiments_.find(name);
    if (it == experiments_.end()) return;
    writer_.submit(it->second.path, std::nullopt);
    experiments_.erase(it);
}

bool Publisher::taken(const std::string& path) const {
    return std::ranges::any_of(experiments_,
                               [&](const auto& item) { return item.second.path == path; });
}

// The first that no experiment's status needs: the document's name, the file's name, the file's
// name with its ending.
std::string Publisher::stray_path(const source::Stray& stray) const {
    const auto stem = without_ending(stray.path).string();
    const auto suffix = stray.document == 0 ? std::string{} : "." + std::to_string(stray.document);
    for (const auto& name : {stray.name, stem + suffix}) {
        if (name.empty()) continue;
        auto path = beside(stray.path, name);
        if (!taken(path)) return path;
    }
    return beside(stray.path, std::filesystem::path{stray.path}.filename().string() + suffix);
}

void Publisher::publish_strays(const std::vector<source::Stray>& strays, TimePoint now) {
    std::set<std::string> current;
    for (const auto& stray : strays) {
        status::Facts facts;
        facts.name = stray.name.empty() ? without_ending(stray.path).string() : stray.name;
        facts.source = {stray.path, stray.document, ""};
        facts.problems = stray.problems;
        facts.rejected = true;
        const auto path = stray_path(stray);
        if (!current.insert(path).second) continue;
        write(strays_[path], path, facts, now);
    }
    for (auto it = strays_.begin(); it != strays_.end();) {
        if (current.contains(it->first)) {
            ++it;
            continue;
        }
        // Somebody else's by now: an experiment of that name has appeared.
        if (!taken(it->first)) writer_.submit(it->first, std::nullopt);
        it = strays_.erase(it);
    }
}

}  // namespace chaos::runtime
