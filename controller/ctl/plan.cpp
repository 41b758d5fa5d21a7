#include <ostream>
#include <utility>

#include "controller/app/host.h"
#include "controller/ctl/catalog.h"
#include "controller/ctl/population.h"
#include "controller/ctl/verbs.h"
#include "controller/json/json.h"
#include "controller/run/random.h"
#include "controller/run/selection.h"
#include "controller/run/timeline.h"

namespace chaos::ctl {
namespace {

struct Planned {
    std::string name;
    std::uint64_t seed = 0;
    Spec spec;
    run::Selection selection;
    run::Timeline timeline;
};

// The very functions that the controller calls, on the same values.
Planned make_plan(const manifest::Document& document, std::optional<std::int64_t> seed,
                  const std::vector<Container>& population) {
    const auto& experiment = *document.experiment;
    Planned planned;
    planned.name = experiment.metadata.name;
    planned.spec = experiment.spec;
    if (seed) planned.spec.seed = seed;
    planned.seed = planned.spec.seed ? static_cast<std::uint64_t>(*planned.spec.seed)
                                     : run::derive_seed(planned.name, document.digest,
                                                        experiment.run_id(), app::host_identity());
    planned.selection = run::select(planned.spec, planned.seed, population, {});
    planned.timeline = run::timeline(planned.spec, planned.seed, planned.selection.picks);
    return planned;
}

std::string offset(Duration d) { return "+" + format_duration(d); }

std::string end_of(const run::Interval& interval) {
    return is_instant(interval.fault) ? "at once" : offset(interval.end);
}

void print_selection(const Context& context, const run::Selection& s) {
    context.out << "Matched:     " << s.matched << (s.matched == 1 ? " container" : " containers")
                << " of " << s.matched_services
                << (s.matched_services == 1 ? " service\n" : " services\n");
    context.out << "Safety:      at most "
                << (s.service_cap > s.matched_services ? std::string{"all"}
                                                       : std::to_string(s.service_cap))
                << (s.service_cap == 1 ? " service" : " services") << " may be hit\n";
    if (!s.spared.empty()) {
        context.out << "Protected:  ";
        for (const auto& name : s.spared) context.out << ' ' << name;
        context.out << '\n';
    }
}

void print_text(const Context& context, const Planned& planned, const std::string& engine_error) {
    context.out << "Experiment:  " << planned.name << '\n';
    context.out << "Seed:        " << planned.seed
                << (planned.spec.seed ? "" : " (derived; the run draws the same)") << '\n';
    context.out << "Duration:    " << format_duration(planned.spec.duration) << ", recovery within "
                << format_duration(planned.spec.recovery_timeout) << '\n';
    if (planned.spec.dry_run) context.out << "Dry run:     nothing will be injected\n";
    for (const auto& draw : planned.timeline.scenarios) {
        context.out << "Scenario:    " << draw.name << (draw.drawn ? "" : " (not drawn)") << '\n';
    }
    if (!engine_error.empty()) {
        context.out << "Targets:     unknown: " << engine_error << '\n';
        return;
    }
    print_selection(context, planned.selection);
    if (planned.selection.picks.empty()) {
        context.out << "Targets:     none\n";
        return;
    }
    Table table{{"BEGIN", "END", "ACTION", "SERVICE", "CONTAINER"}};
    for (const auto& interval : planned.timeline.intervals) {
        table.add({offset(interval.begin), end_of(interval), std::string{type_name(interval.fault)},
                   interval.service, interval.target});
    }
    context.out << '\n';
    table.print(context.out);
}

void write_json(json::Writer& out, const Planned& planned, const std::string& engine_error) {
    out.begin_object();
    out.key("name").value(planned.name).key("seed").value(planned.seed);
    if (!engine_error.empty()) out.key("engine_error").value(engine_error);
    out.key("matched").value(static_cast<std::uint64_t>(planned.selection.matched));
    out.key("scenarios").begin_array();
    for (const auto& draw : planned.timeline.scenarios) {
        out.begin_object().key("name").value(draw.name).key("drawn").value(draw.drawn).end_object();
    }
    out.end_array().key("targets").begin_array();
    for (const auto& pick : planned.selection.picks) {
        out.begin_object().key("name").value(pick.name).key("service").value(pick.service);
        out.end_object();
    }
    out.end_array().key("faults").begin_array();
    for (const auto& interval : planned.timeline.intervals) {
        out.begin_object().key("id").value(interval.id);
        out.key("type").value(type_name(interval.fault));
        out.key("target").value(interval.target).key("service").value(interval.service);
        out.key("begin").value(format_duration(interval.begin));
        out.key("end").value(format_duration(interval.end));
        out.key("instant").value(is_instant(interval.fault)).end_object();
    }
    out.end_array().end_object();
}

}  // namespace

int plan(const Context& context, const std::string& path, std::optional<std::int64_t> seed) {
    const auto documents = read_valid_documents(context, path);
    if (!documents) return kFailed;
    const auto population = list_containers(context.docker_host);
    const auto engine_error = population ? std::string{} : population.error().context;
    json::Writer out{json::Writer::Style::kPretty};
    out.begin_array();
    bool first = true;
    for (const auto& document : *documents) {
        const auto planned =
            make_plan(document, seed, population.value_or(std::vector<Container>{}));
        if (context.output == Output::kJson) {
            write_json(out, planned, engine_error);
        } else {
            if (!std::exchange(first, false)) context.out << '\n';
            print_text(context, planned, engine_error);
        }
    }
    out.end_array();
    if (context.output == Output::kJson) context.out << out.text() << '\n';
    return kOk;
}

}  // namespace chaos::ctl
