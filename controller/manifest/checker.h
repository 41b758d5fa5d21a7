// What the checks of an action's parameters have in common: where they are, and how to complain.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/manifest/diagnostic.h"

namespace chaos::manifest {

// The parameters of one effect: those of the action, or a map below them where it combines several.
struct Place {
    const Node& node;
    std::string path;

    [[nodiscard]] Place below(std::string_view key, bool combined) const {
        const Node* found = combined ? node.find(key) : nullptr;
        return found == nullptr ? *this : Place{*found, path + "." + std::string{key}};
    }
};

class ParameterChecker {
public:
    explicit ParameterChecker(std::vector<Diagnostic>& problems) : problems_(problems) {}

protected:
    void report(const Node& node, std::string path, std::string message) {
        problems_.push_back({node.mark, std::move(path), std::move(message)});
    }

    void expect(const Node& node, std::string path, std::string_view expected) {
        problems_.push_back(found_expected(node, std::move(path), expected));
    }

    void missing(const Place& place, std::string_view name, std::string_view hint) {
        report(place.node, place.path + "." + std::string{name},
               "missing; expected " + std::string{hint} + ", or an intensity that sets it");
    }

private:
    std::vector<Diagnostic>& problems_;
};

}  // namespace chaos::manifest
