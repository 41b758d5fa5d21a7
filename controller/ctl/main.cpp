#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>

#include "controller/api/experiment.h"
#include "controller/app/host.h"
#include "controller/app/version.h"
#include "controller/ctl/settings.h"
#include "controller/ctl/verbs.h"
#include "controller/manifest/diagnostic.h"
#include "controller/manifest/emit.h"

namespace {

using namespace chaos::ctl;  // NOLINT: the program's own namespace, in its main file

std::string environment(const char* name, std::string fallback) {
    const char* value = std::getenv(name);  // NOLINT: one thread
    return value == nullptr || *value == '\0' ? std::move(fallback) : std::string{value};
}

struct Arguments {
    std::string name;
    std::string path;
    std::string field;
    std::vector<std::string> names;
    std::vector<std::string> paths;
    std::optional<std::int64_t> seed;
    bool markdown = false;
    bool watch = false;
    bool dry_run = false;
    bool safe_mode = false;
    std::string goal;
    std::string timeout = "5m";
    std::string mode = "safe";
    bool all = false;
    bool dot = false;
    std::string shell;
};

class CommandLine {
public:
    CommandLine() {
        cli_.require_subcommand(1);
        cli_.fallthrough();
        cli_.add_option("-m,--manifests", context_.manifests,
                        "directory of manifests [CHAOS_MANIFESTS]")
            ->capture_default_str();
        cli_.add_option("--status-dir", context_.status_dir,
                        "where status files are (default: beside each manifest)");
        cli_.add_option("--docker-host", context_.docker_host, "Docker engine [DOCKER_HOST]")
            ->capture_default_str();
        cli_.add_option("--state-dir", context_.state_dir, "of the controller")
            ->capture_default_str();
        cli_.add_option("--control-socket", context_.control_socket,
                        "of the controller (default: control.sock in --state-dir) [CHAOS_CONTROL]");
        cli_.add_option("-c,--config", context_.config_path,
                        "chaos-config.yaml (default: that of the running controller) "
                        "[CHAOS_CONFIG]");
        cli_.add_option("-o,--output", output_, "wide, json, yaml or name; not each for each verb");
        cli_.set_version_flag("--version", std::string{"chaosctl "} + chaos::app::kVersion);
        add_reading();
        add_changing();
        add_running();
        add_looking();
        add_helping();
    }

    int run(int argc, char** argv) {
        try {
            cli_.parse(argc, argv);
        } catch (const CLI::Success& asked) {
            return cli_.exit(asked);  // --help, --version
        } catch (const CLI::ParseError& error) {
            return explain_usage(error);
        }
        if (const int code = take_output(); code != kOk) return code;
        if (context_.control_socket.empty()) {
            context_.control_socket = context_.state_dir + "/control.sock";
        }
        if (const int code = load_settings(context_); code != kOk) return code;
        context_.colour = ::isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
        return action_();
    }

private:
    using Outputs = std::vector<std::string>;
    static Outputs trees() { return {"json", "yaml"}; }

    // `outputs`: what -o may say, besides table.
    CLI::App* verb(const char* name, const char* help, const Outputs& outputs,
                   std::function<int()> action) {
        auto* sub = cli_.add_subcommand(name, help);
        outputs_[name] = outputs;
        sub->callback([this, name, action = std::move(action)] {
            action_ = action;
            verb_ = name;
        });
        return sub;
    }

    // An output that a verb does not have would be something else than was asked for.
    int take_output() {
        if (output_ == "table") return kOk;
        const auto& known = outputs_[verb_];
        if (std::ranges::find(known, output_) == known.end()) {
            const auto expected = known.empty() ? "no -o" : chaos::manifest::list_of(known);
            return failed(context_,
                          "-o " + output_ + " is not for " + verb_ + ", expected " + expected,
                          kUsage);
        }
        context_.output = output_ == "wide"   ? Output::kWide
                          : output_ == "json" ? Output::kJson
                          : output_ == "yaml" ? Output::kYaml
                                              : Output::kName;
        return kOk;
    }

    int explain_usage(const CLI::ParseError& error) {
        const auto rest = cli_.remaining(true);
        const auto word =
            std::ranges::find_if(rest, [](const auto& r) { return !r.starts_with('-'); });
        const bool no_verb = cli_.get_subcommands().empty();
        std::string why = error.what();
        if (no_verb && word != rest.end()) {
            std::vector<std::string> verbs;
            for (const auto& [name, outputs] : outputs_) verbs.push_back(name);
            why = "unknown verb \"" + *word + "\"" + chaos::manifest::did_you_mean(*word, verbs);
        } else if (no_verb && rest.empty()) {
            why = "expected a verb";
        } else if (!rest.empty()) {
            why = "unknown option or argument " + rest.front();
        }
        return failed(context_, why + " (chaosctl --help lists what there is)", kUsage);
    }

    std::optional<chaos::Duration> duration_of(const std::string& option, const std::string& text) {
        const auto duration = chaos::parse_duration(text);
        if (!duration) {
            static_cast<void>(failed(
                context_, option + ": found \"" + text + "\", expected a duration such as 90s"));
        }
        return duration;
    }

    void add_reading() {
        auto* validate_verb =
            verb("validate", "check manifests; 1 is returned where one is invalid",
                 {"json", "yaml", "name"}, [this] { return validate(context_, args_.paths); });
        validate_verb->add_option("FILE", args_.paths, "files or directories");
        auto* plan_verb = verb("plan", "show who would be hit and when; nothing is touched",
                               trees(), [this] { return plan(context_, args_.path, args_.seed); });
        plan_verb->add_option("FILE", args_.path, "manifest")->required();
        plan_verb->add_option("--seed", args_.seed, "instead of the manifest's");
        auto* get_verb =
            verb("get", "list experiments, or show one", {"wide", "json", "yaml", "name"},
                 [this] { return get(context_, args_.name, args_.watch); });
        get_verb->add_option("NAME", args_.name, "experiment");
        get_verb->add_flag("-w,--watch", args_.watch, "go on, and print what changes");
        auto* describe_verb = verb("describe", "show an experiment in detail", trees(),
                                   [this] { return describe(context_, args_.name); });
        describe_verb->add_option("NAME", args_.name, "experiment")->required();
    }

    void add_changing() {
        auto* apply_verb = verb("apply", "put manifests into the directory", {"name"},
                                [this] { return apply_manifests(context_, args_.paths); });
        apply_verb
            ->add_option("-f,--filename", args_.paths,
                         "manifests, directories of them, or - for standard input")
            ->required();
        auto* delete_verb =
            verb("delete", "remove manifests; the controller aborts and undoes", {"name"},
                 [this] { return delete_experiments(context_, args_.names, args_.paths); });
        delete_verb->add_option("NAME", args_.names, "experiments");
        delete_verb->add_option("-f,--filename", args_.paths,
                                "files that hold what is to be removed, instead of names");
    }

    // A verb that goes to the controller with a name.
    CLI::App* remote(const char* name, const char* help) {
        auto* sub = verb(name, help, {"name"},
                         [this, name] { return ask_controller(context_, args_.name, name); });
        sub->add_option("NAME", args_.name, "experiment")->required();
        return sub;
    }

    void add_running() {
        auto* run_verb =
            verb("run", "run an experiment now, also one that has run", {"name"}, [this] {
                std::string query = args_.dry_run ? "?dry_run=1" : "";
                if (args_.safe_mode) query += query.empty() ? "?safe_mode=1" : "&safe_mode=1";
                return ask_controller(context_, args_.name, "run" + query);
            });
        run_verb->add_option("NAME", args_.name, "experiment")->required();
        run_verb->add_flag("--dry-run", args_.dry_run, "do everything but inject");
        run_verb->add_flag("--safe-mode", args_.safe_mode,
                           "only if its spec.safety.safe_mode is true");
        remote("pause", "undo the faults of a run and stop its clock");
        // Without a name: of everything.
        const auto named_or_all = [this](const char* name, const char* help,
                                         int (*all)(const Context&)) {
            auto* sub = verb(name, help, {"name"}, [this, name, all] {
                return args_.name.empty() ? all(context_)
                                          : ask_controller(context_, args_.name, name);
            });
            sub->add_option("NAME", args_.name, "experiment");
            return sub;
        };
        named_or_all("resume", "let a paused run go on; without a name: lift the emergency stop",
                     resume_all);
        remote("abort", "end a run and undo its faults; the manifest stays");
        named_or_all("recover",
                     "try again at once what keeps failing: undos, starts of targets; without a "
                     "name: everywhere",
                     recover_all)
            ->add_flag("--all", args_.all, "everywhere");
        verb("emergency-stop", "undo every fault; nothing runs until resume", {},
             [this] { return emergency_stop(context_); });
        verb("stop", "let running experiments end, begin no other, then end the controller", {},
             [this] { return stop(context_); });
        add_monkey();
        auto* wait_verb = verb("wait", "wait until a status says so", {"name"}, [this] {
            const auto timeout = duration_of("--timeout", args_.timeout);
            if (!timeout) return kUsage;
            return wait_for(context_, args_.name, args_.goal, *timeout);
        });
        wait_verb->add_option("NAME", args_.name, "experiment")->required();
        wait_verb
            ->add_option("--for", args_.goal,
                         "phase=PHASE, verdict=VERDICT, condition=TYPE[=STATUS] or delete")
            ->required();
        wait_verb->add_option("--timeout", args_.timeout, "at most")->capture_default_str();
    }

    void add_monkey() {
        auto* monkey = verb("monkey", "the chaos monkey: start, stop or status", trees(),
                            [this] { return monkey_status(context_); });
        monkey->add_option("ACTION", args_.name, "start, stop, status or mode")
            ->check(CLI::IsMember({"start", "stop", "status", "mode"}));
        auto* mode = monkey->add_option("--mode", args_.mode, "safe, production or aggressive")
                         ->check(CLI::IsMember({"safe", "production", "aggressive"}))
                         ->capture_default_str();
        auto* wanted = monkey->add_option("MODE", args_.mode, "of the action mode")
                           ->check(CLI::IsMember({"safe", "production", "aggressive"}));
        monkey->callback([this, mode, wanted] {
            verb_ = "monkey";
            action_ = [this, given = mode->count() > 0, named = wanted->count() > 0] {
                if (args_.name == "start") return monkey_start(context_, args_.mode);
                if (args_.name == "stop") return monkey_stop(context_);
                if (args_.name == "mode" && !named && !given) {
                    return failed(context_,
                                  "missing MODE, expected safe, production or aggressive; "
                                  "monkey status shows the present one",
                                  kUsage);
                }
                if (args_.name == "mode") return monkey_start(context_, args_.mode);
                if (given) return failed(context_, "--mode goes with start", kUsage);
                return monkey_status(context_);
            };
        });
    }

    void add_looking() {
        verb("status", "show the controller: configuration, gates, what runs", trees(),
             [this] { return controller_status(context_); });
        auto* graph_verb = verb("graph", "show the services, and which needs which", trees(),
                                [this] { return graph(context_, args_.dot); });
        graph_verb->add_flag("--dot", args_.dot, "for Graphviz");

        auto* events_verb = verb("events", "show what has happened, in order", trees(),
                                 [this] { return events(context_, args_.name, args_.watch); });
        events_verb->add_option("NAME", args_.name, "experiment");
        events_verb->add_flag("-w,--watch", args_.watch, "go on with what comes");
        auto* logs_verb = verb("logs", "show the controller's last log lines", {},
                               [this] { return logs(context_, args_.watch); });
        logs_verb->add_flag("-f,--follow", args_.watch, "go on with what comes");
        auto* diff_verb = verb("diff", "show what applying a file would change", trees(),
                               [this] { return diff(context_, args_.path); });
        diff_verb->add_option("-f,--filename,FILE", args_.path, "manifest, or -")->required();
        verb("doctor", "check what a controller needs on this host", trees(),
             [this] { return doctor(context_); });
        verb("verify-clean", "prove that nothing of this project is in force", trees(),
             [this] { return verify_clean(context_); });
        auto* completion_verb = verb("completion", "print completions for a shell", {},
                                     [this] { return completion(context_, args_.shell); });
        completion_verb->add_option("SHELL", args_.shell, "bash, zsh or fish")
            ->required()
            ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    }

    void add_helping() {
        auto* explain_verb = verb("explain", "explain a field, an action type, or intensity", {},
                                  [this] { return explain(context_, args_.field); });
        explain_verb->add_option("FIELD", args_.field, "such as spec.targets.mode");
        auto* schema_verb = verb("schema", "print the JSON Schema of manifests, for editors", {},
                                 [this] { return schema(context_, args_.field, args_.markdown); });
        schema_verb->add_option("KIND", args_.field, "experiment (the default) or config")
            ->check(CLI::IsMember({"experiment", "config"}));
        schema_verb->add_flag("--markdown", args_.markdown, "the reference page instead");
        verb("version", "print the version", trees(), [this] { return version(context_); });
    }

    Context context_{environment("CHAOS_MANIFESTS", "manifests"),
                     "",
                     environment("DOCKER_HOST", "unix:///var/run/docker.sock"),
                     environment("CHAOS_CONTROL", ""),
                     chaos::app::default_state_dir(),
                     environment("CHAOS_CONFIG", ""),
                     {},
                     false,
                     Output::kTable,
                     std::cout,
                     std::cerr};
    CLI::App cli_{"Works with ChaosExperiment manifests and their status files.", "chaosctl"};
    std::string output_ = "table";
    Arguments args_;
    std::function<int()> action_;
    std::string verb_;
    std::map<std::string, Outputs> outputs_;  // by verb
};

}  // namespace

int chaos::ctl::version(const Context& context) {
    auto tree = manifest::map_node();
    tree.add("version", manifest::text_node(app::kVersion));
    if (!print_tree(context, tree)) context.out << "chaosctl " << app::kVersion << '\n';
    return kOk;
}

int main(int argc, char** argv) {
    CommandLine command_line;
    return command_line.run(argc, argv);
}
