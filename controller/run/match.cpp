#include "controller/run/match.h"

#include <re2/re2.h>

#include <algorithm>

#include "controller/api/glob.h"

namespace chaos::run {
namespace {

const std::string* find_label(const Container& container, std::string_view key) {
    const auto it = container.labels.find(key);
    return it == container.labels.end() ? nullptr : &it->second;
}

bool label_is(const Container& container, std::string_view key, const std::string& value) {
    const auto* found = find_label(container, key);
    return found != nullptr && glob_match(value, *found);
}

bool any_glob(const std::vector<std::string>& patterns, const std::string& text) {
    return std::ranges::any_of(patterns, [&](const auto& p) { return glob_match(p, text); });
}

bool holds(const LabelExpression& expression, const Container& container) {
    const auto* value = find_label(container, expression.key);
    switch (expression.op) {
        case LabelExpression::Operator::kExists: return value != nullptr;
        case LabelExpression::Operator::kDoesNotExist: return value == nullptr;
        case LabelExpression::Operator::kIn:
            return value != nullptr &&
                   std::ranges::find(expression.values, *value) != expression.values.end();
        case LabelExpression::Operator::kNotIn: break;
    }
    // As in Kubernetes, a missing label is "not in" any set.
    return value == nullptr ||
           std::ranges::find(expression.values, *value) == expression.values.end();
}

// Unanchored, as in grep and Pumba. The decoder has checked the syntax.
bool regex_hits(const std::string& pattern, const std::string& name) {
    return re2::RE2::PartialMatch(name, re2::RE2{pattern, re2::RE2::Quiet});
}

bool any_network(const Selector& selector, const Container& container) {
    return std::ranges::any_of(container.networks,
                               [&](const auto& n) { return any_glob(selector.networks, n); });
}

}  // namespace

bool matches_service(const std::string& pattern, const Container& container) {
    const auto* service = find_label(container, kComposeServiceLabel);
    return glob_match(pattern, container.name) ||
           (service != nullptr && glob_match(pattern, *service));
}

bool matches(const Selector& s, const Container& c) {
    if (s == Selector{}) return false;
    if (!s.services.empty() &&
        std::ranges::none_of(s.services, [&](const auto& p) { return matches_service(p, c); })) {
        return false;
    }
    if (!s.names.empty() && !any_glob(s.names, c.name)) return false;
    if (s.name_regex && !regex_hits(*s.name_regex, c.name)) return false;
    for (const auto& [key, value] : s.labels) {
        const auto* found = find_label(c, key);
        if (found == nullptr || *found != value) return false;
    }
    for (const auto& expression : s.label_expressions) {
        if (!holds(expression, c)) return false;
    }
    if (s.compose_project && !label_is(c, kComposeProjectLabel, *s.compose_project)) return false;
    if (s.compose_service && !label_is(c, kComposeServiceLabel, *s.compose_service)) return false;
    if (s.image && !glob_match(*s.image, c.image)) return false;
    return s.networks.empty() || any_network(s, c);
}

bool excluded(const Selector& s, const Container& c) {
    Selector labels;
    for (const auto& [key, value] : s.labels) {
        labels.labels = {{key, value}};
        if (matches(labels, c)) return true;
    }
    const auto any = [&](Selector part) { return matches(part, c); };
    return any({.services = s.services}) || any({.names = s.names}) ||
           any({.name_regex = s.name_regex}) || any({.compose_project = s.compose_project}) ||
           any({.compose_service = s.compose_service}) || any({.image = s.image}) ||
           any({.networks = s.networks}) ||
           std::ranges::any_of(s.label_expressions, [&](const auto& e) { return holds(e, c); });
}

bool matches(const Target& target, const Container& container) {
    if (!target.service && !target.selector) return false;
    if (target.service && !matches_service(*target.service, container)) return false;
    if (target.selector && !matches(*target.selector, container)) return false;
    return !target.exclude || !excluded(*target.exclude, container);
}

}  // namespace chaos::run
