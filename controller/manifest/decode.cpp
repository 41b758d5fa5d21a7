#include "controller/manifest/decode.h"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

#include "controller/manifest/build_experiment.h"
#include "controller/manifest/supported.h"
#include "controller/manifest/validate.h"

namespace chaos::manifest {
namespace {

void check_actions(const Node& document, const CustomActions& custom,
                   std::vector<Diagnostic>& problems) {
    const Node* scenarios = document.at("spec", "scenarios");
    if (scenarios == nullptr) return;
    for (std::size_t i = 0; i < scenarios->items.size(); ++i) {
        const Node* actions = scenarios->items[i].find("actions");
        if (actions == nullptr) continue;
        for (std::size_t j = 0; j < actions->items.size(); ++j) {
            check_action(
                actions->items[j],
                "spec.scenarios[" + std::to_string(i) + "].actions[" + std::to_string(j) + "]",
                custom, problems);
        }
    }
}

void fill_all_parameters(Node& document) {
    for (auto& scenario : document.find("spec")->find("scenarios")->items) {
        for (auto& action : scenario.find("actions")->items) fill_parameters(action);
    }
}

std::string valid_name(const Node& root) {
    const Node* name = root.at("metadata", "name");
    const auto* schema = crd().root.property("metadata")->property("name");
    if (name == nullptr) return {};
    std::vector<Diagnostic> problems;
    validate(*name, *schema, "", problems);
    return problems.empty() ? name->scalar : std::string{};
}

Document decode_one(YamlDocument yaml, const CustomActions& custom) {
    Document document;
    document.index = yaml.index;
    document.text = std::move(yaml.text);
    document.problems = std::move(yaml.problems);
    if (!document.problems.empty()) return document;
    Node& root = yaml.root;
    validate(root, crd().root, "", document.problems);
    if (!root.is_map()) return document;
    document.name = valid_name(root);
    if (const Node* spec = root.find("spec")) document.digest = sha256(canonical_json(*spec));
    check_actions(root, custom, document.problems);
    check_supported(root, document.problems);
    if (!document.problems.empty()) return document;
    fill_defaults(root, crd().root);
    fill_all_parameters(root);
    Experiment experiment = build_experiment(root, custom);
    check_meaning(experiment, root, document.problems);
    if (document.problems.empty()) document.experiment = std::move(experiment);
    return document;
}

}  // namespace

std::vector<Document> decode(std::string_view text, const CustomActions& custom) {
    std::vector<Document> documents;
    for (auto& yaml : load_yaml(text)) {
        documents.push_back(decode_one(std::move(yaml), custom));
    }
    if (documents.empty()) {
        // Not nothing: a file that somebody is about to fill, or has emptied by mistake.
        Document empty;
        empty.problems.push_back(
            {{1, 1}, "", "the file is empty, expected a ChaosExperiment (delete it to abort)"});
        documents.push_back(std::move(empty));
    }
    return documents;
}

std::string sha256(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) {
        throw std::runtime_error("OpenSSL has no SHA-256");
    }
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string result = "sha256:";
    for (unsigned i = 0; i < length; ++i) {
        result += kHex[digest[i] >> 4U];
        result += kHex[digest[i] & 0xfU];
    }
    return result;
}

}  // namespace chaos::manifest
