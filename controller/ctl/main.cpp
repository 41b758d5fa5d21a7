#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>

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
        cli_.add_option("-o,--output", output_, "wide, json, yaml or name")
            ->check(CLI::IsMember({"table", "wide", "json", "yaml", "name"}));
        add_reading();
        add_changing();
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
                              [this] { return get(context_, args_.name); });
        get_verb->add_option("NAME", args_.name, "experiment");
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
