#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>

#include "controller/app/host.h"
#include "controller/app/version.h"
#include "controller/ctl/verbs.h"

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
    std::vector<std::string> paths;
    std::optional<std::int64_t> seed;
    bool markdown = false;
    bool watch = false;
    bool dry_run = false;
    bool safe_mode = false;
    std::string goal;
    std::string timeout = "5m";
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
        cli_.add_option("-o,--output", output_, "wide, json, yaml or name")
            ->check(CLI::IsMember({"table", "wide", "json", "yaml", "name"}));
        add_reading();
        add_changing();
        add_running();
        add_looking();
        add_helping();
    }

    int run(int argc, char** argv) {
        try {
            cli_.parse(argc, argv);
        } catch (const CLI::ParseError& error) {
            return cli_.exit(error) == 0 ? kOk : kUsage;
        }
        context_.output = output_ == "wide"   ? Output::kWide
                          : output_ == "json" ? Output::kJson
                          : output_ == "yaml" ? Output::kYaml
                          : output_ == "name" ? Output::kName
                                              : Output::kTable;
        if (context_.control_socket.empty()) {
            context_.control_socket = context_.state_dir + "/control.sock";
        }
        context_.colour = ::isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
        return action_();
    }

private:
    CLI::App* verb(const char* name, const char* help, std::function<int()> action) {
        auto* sub = cli_.add_subcommand(name, help);
        sub->callback([this, action = std::move(action)] { action_ = action; });
        return sub;
    }

    void add_reading() {
        auto* validate_verb =
            verb("validate", "check manifests; 1 is returned where one is invalid",
                 [this] { return validate(context_, args_.paths); });
        validate_verb->add_option("FILE", args_.paths, "files or directories")->required();
        auto* plan_verb = verb("plan", "show who would be hit and when; nothing is touched",
                               [this] { return plan(context_, args_.path, args_.seed); });
        plan_verb->add_option("FILE", args_.path, "manifest")->required();
        plan_verb->add_option("--seed", args_.seed, "instead of the manifest's");
        auto* get_verb = verb("get", "list experiments, or show one",
                              [this] { return get(context_, args_.name, args_.watch); });
        get_verb->add_option("NAME", args_.name, "experiment");
        get_verb->add_flag("-w,--watch", args_.watch, "go on, and print what changes");
        auto* describe_verb = verb("describe", "show an experiment in detail",
                                   [this] { return describe(context_, args_.name); });
        describe_verb->add_option("NAME", args_.name, "experiment")->required();
    }

    void add_changing() {
        auto* apply_verb = verb("apply", "put manifests into the directory",
                                [this] { return apply_manifest(context_, args_.path); });
        apply_verb->add_option("-f,--filename", args_.path, "manifest, or - for standard input")
            ->required();
        auto* delete_verb = verb("delete", "remove a manifest; the controller aborts and undoes",
                                 [this] { return delete_experiment(context_, args_.name); });
        delete_verb->add_option("NAME", args_.name, "experiment")->required();
    }

    // A verb that goes to the controller with a name.
    CLI::App* remote(const char* name, const char* help) {
        auto* sub =
            verb(name, help, [this, name] { return ask_controller(context_, args_.name, name); });
        sub->add_option("NAME", args_.name, "experiment")->required();
        return sub;
    }

    void add_running() {
        auto* run_verb = verb("run", "run an experiment now, also one that has run", [this] {
            return ask_controller(context_, args_.name, args_.dry_run ? "run?dry_run=1" : "run");
        });
        run_verb->add_option("NAME", args_.name, "experiment")->required();
        run_verb->add_flag("--dry-run", args_.dry_run, "do everything but inject");
        run_verb->add_flag("--safe-mode", args_.safe_mode, "as it is in this version anyway");
        remote("pause", "undo the faults of a run and stop its clock");
        remote("resume", "let a paused run go on");
        remote("abort", "end a run and undo its faults; the manifest stays");
        remote("recover", "try again at once what keeps failing: undos, starts of targets");
        auto* wait_verb = verb("wait", "wait until a status says so", [this] {
            const auto timeout = chaos::parse_duration(args_.timeout);
            if (!timeout) {
                context_.err << "chaosctl: --timeout: found \"" << args_.timeout
                             << "\", expected a duration such as 90s\n";
                return kUsage;
            }
            return wait_for(context_, args_.name, args_.goal, *timeout);
        });
        wait_verb->add_option("NAME", args_.name, "experiment")->required();
        wait_verb
            ->add_option("--for", args_.goal,
                         "phase=PHASE, verdict=VERDICT, condition=TYPE[=STATUS] or delete")
            ->required();
        wait_verb->add_option("--timeout", args_.timeout, "at most")->capture_default_str();
    }

    void add_looking() {
        auto* events_verb = verb("events", "show what has happened, in order",
                                 [this] { return events(context_, args_.name, args_.watch); });
        events_verb->add_option("NAME", args_.name, "experiment");
        events_verb->add_flag("-w,--watch", args_.watch, "go on with what comes");
        auto* logs_verb = verb("logs", "show the controller's last log lines",
                               [this] { return logs(context_, args_.watch); });
        logs_verb->add_flag("-f,--follow", args_.watch, "go on with what comes");
        auto* diff_verb = verb("diff", "show what applying a file would change",
                               [this] { return diff(context_, args_.path); });
        diff_verb->add_option("-f,--filename,FILE", args_.path, "manifest, or -")->required();
        verb("verify-clean", "prove that nothing of this project is in force",
             [this] { return verify_clean(context_); });
        auto* completion_verb = verb("completion", "print completions for a shell",
                                     [this] { return completion(context_, args_.shell); });
        completion_verb->add_option("SHELL", args_.shell, "bash, zsh or fish")
            ->required()
            ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    }

    void add_helping() {
        auto* explain_verb = verb("explain", "explain a field, an action type, or intensity",
                                  [this] { return explain(context_, args_.field); });
        explain_verb->add_option("FIELD", args_.field, "such as spec.targets.mode");
        auto* schema_verb = verb("schema", "print the JSON Schema of manifests, for editors",
                                 [this] { return schema(context_, args_.markdown); });
        schema_verb->add_flag("--markdown", args_.markdown, "the reference page instead");
        verb("version", "print the version", [this] { return version(context_); });
    }

    Context context_{environment("CHAOS_MANIFESTS", "manifests"),
                     "",
                     environment("DOCKER_HOST", "unix:///var/run/docker.sock"),
                     environment("CHAOS_CONTROL", ""),
                     chaos::app::default_state_dir(),
                     false,
                     Output::kTable,
                     std::cout,
                     std::cerr};
    CLI::App cli_{"Works with ChaosExperiment manifests and their status files.", "chaosctl"};
    std::string output_ = "table";
    Arguments args_;
    std::function<int()> action_;
};

}  // namespace

int chaos::ctl::version(const Context& context) {
    if (context.output == Output::kJson) {
        context.out << R"({"version": ")" << app::kVersion << "\"}\n";
    } else {
        context.out << "chaosctl " << app::kVersion << '\n';
    }
    return kOk;
}

int main(int argc, char** argv) {
    CommandLine command_line;
    return command_line.run(argc, argv);
}
