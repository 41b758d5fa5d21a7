// wait: for a phase, a verdict, a condition or a deletion, by looking at the status file.
#include <algorithm>
#include <array>
#include <ostream>
#include <thread>

#include "controller/ctl/catalog.h"
#include "controller/ctl/verbs.h"
#include "controller/manifest/diagnostic.h"
#include "controller/status/status.h"

namespace chaos::ctl {
namespace {

constexpr Duration kInterval = std::chrono::milliseconds{50};

struct Goal {
    std::string kind;  // phase, verdict, condition, delete
    std::string key;   // of a condition: its type
    std::string value;
};

std::optional<Goal> parse_goal(const std::string& text) {
    if (text == "delete") return Goal{"delete", "", ""};
    const auto equals = text.find('=');
    if (equals == std::string::npos) return std::nullopt;
    Goal goal{text.substr(0, equals), "", text.substr(equals + 1)};
    if (goal.kind == "condition") {
        const auto second = goal.value.find('=');
        goal.key = goal.value.substr(0, second);
        goal.value = second == std::string::npos ? "True" : goal.value.substr(second + 1);
    }
    const bool known = goal.kind == "phase" || goal.kind == "verdict" || goal.kind == "condition";
    return known && !goal.value.empty() ? std::optional{goal} : std::nullopt;
}

// A word that no status will ever have would wait for its whole timeout.
std::string slip_of(const Goal& goal) {
    std::vector<std::string> words;
    if (goal.kind == "phase") words = status::phases();
    if (goal.kind == "verdict") words = status::verdicts();
    if (goal.kind == "condition") words = status::condition_types();
    const auto& word = goal.kind == "condition" ? goal.key : goal.value;
    if (words.empty() || std::ranges::find(words, word) != words.end()) return {};
    return ", expected " + manifest::list_of(words) + manifest::did_you_mean(word, words);
}

std::string condition_status(const Item& item, const std::string& type) {
    const auto* list = item.status.at("status", "conditions");
    if (list == nullptr) return {};
    for (const auto& c : list->items) {
        if (c.text_at("type") == type) return c.text_at("status");
    }
    return {};
}

bool is_met(const Goal& goal, const Item& item) {
    if (goal.kind == "condition") return condition_status(item, goal.key) == goal.value;
    return item.field(goal.kind) == goal.value;
}

// The run is over, so that what was not reached by now never will be.
bool is_over(const Item& item) {
    constexpr std::array kEnds{"Completed", "Failed", "Aborted", "Rejected"};
    const auto phase = item.field("phase");
    // Without an end an undo is still retried.
    if (phase == "CleanupFailed") return !item.field("end_time").empty();
    return std::ranges::find(kEnds, phase) != kEnds.end();
}

}  // namespace

int wait_for(const Context& context, const std::string& name, const std::string& goal_text,
             Duration timeout) {
    const auto goal = parse_goal(goal_text);
    if (!goal) {
        return failed(context,
                      "--for: found \"" + goal_text +
                          "\", expected phase=PHASE, verdict=VERDICT, condition=TYPE[=STATUS] or "
                          "delete",
                      kUsage);
    }
    if (const auto slip = slip_of(*goal); !slip.empty()) {
        return failed(context, "--for: found \"" + goal_text + "\"" + slip, kUsage);
    }
    const auto end = std::chrono::steady_clock::now() + timeout;
    for (;;) {
        const auto items = load_catalog(context);
        if (!items) return failed(context, items.error().context);
        // A file that claims the name of another's experiment has no status of its own.
        const auto item = std::ranges::find_if(
            *items, [&](const Item& i) { return i.name == name && !i.duplicate; });
        const bool gone = item == items->end();
        // The status file stays for a while after the manifest, and says when all is undone.
        const bool deleted = gone || (item->path.empty() && is_over(*item));
        if (goal->kind == "delete" ? deleted : !gone && is_met(*goal, *item)) {
            print_outcome(context, name, ": " + goal_text);
            return kOk;
        }
        if (!gone && goal->kind != "delete" && goal->kind != "condition" && is_over(*item)) {
            const auto verdict = item->field("verdict");
            return failed(context, name + " has ended with phase " + item->field("phase") +
                                       " and " +
                                       (verdict.empty() ? "no verdict" : "verdict " + verdict) +
                                       ", not " + goal_text);
        }
        if (std::chrono::steady_clock::now() >= end) {
            return failed(context, "timed out after " + format_duration(timeout) + " waiting for " +
                                       goal_text + " of " + name);
        }
        std::this_thread::sleep_for(kInterval);
    }
}

}  // namespace chaos::ctl
