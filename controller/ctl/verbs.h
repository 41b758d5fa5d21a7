// The verbs of chaosctl, one file a family. Each returns the exit code (see context.h) and writes
// what users read to context.out, complaints to context.err.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/time.h"
#include "controller/ctl/context.h"

namespace chaos::ctl {

// Offline: every problem of every file; directories are read as the controller reads them. Without
// files the configuration alone is checked, which has been read by then.
int validate(const Context& context, const std::vector<std::string>& paths);

// Who would be hit, when, with which seed, and what the gates say. Reads Docker's list of
// containers; touches nothing. 1 where it is not known who would be hit, or nobody would.
int plan(const Context& context, const std::string& path, std::optional<std::int64_t> seed);

// With `watch` it does not return: a line that has changed is printed again.
int get(const Context& context, const std::string& name, bool watch = false);
int describe(const Context& context, const std::string& name);

// A field ("spec.targets.mode", "config.safety"), an action type ("container_kill") or "intensity";
// "" for the top.
int explain(const Context& context, const std::string& field);

// The editors' JSON Schema of manifests, or of the "config", or with `markdown` the reference page
// of docs/.
int schema(const Context& context, const std::string& of, bool markdown);

// Copies experiments into the manifests directory, all of them validated first; "-" is standard
// input, of directories all manifests are taken.
int apply_manifests(const Context& context, const std::vector<std::string>& paths);
// Removes the manifests of the names, or of those that stand in the files: the running controller
// then aborts and undoes.
int delete_experiments(const Context& context, std::vector<std::string> names,
                       const std::vector<std::string>& paths);

// What applying the file would change; 0: nothing, 1: something, 2: the file is broken.
int diff(const Context& context, const std::string& path);

// To the controller: run, pause, resume, abort or recover, with a query ("run?dry_run=1").
int ask_controller(const Context& context, const std::string& name, const std::string& verb);
int logs(const Context& context, bool follow);

// To the whole controller.
int emergency_stop(const Context& context);
int resume_all(const Context& context);
int stop(const Context& context);
int recover_all(const Context& context);
int controller_status(const Context& context);
int monkey_status(const Context& context);
int monkey_start(const Context& context, const std::string& mode);
int monkey_stop(const Context& context);

// The services, how they are, and which needs which; with `dot` for Graphviz.
int graph(const Context& context, bool dot);

// Until the status says so: "phase=Completed", "verdict=Pass", "condition=Recovered", "delete". 1
// after the timeout, or as soon as the run has ended otherwise.
int wait_for(const Context& context, const std::string& name, const std::string& goal_text,
             Duration timeout);

int events(const Context& context, const std::string& name, bool watch);

// 0 where nothing of this project is in force, 1 with what is and how to undo it.
int verify_clean(const Context& context);

// Whether a controller run by this user on this host could do its work. 1 where something is
// missing without which it cannot.
int doctor(const Context& context);

int completion(const Context& context, const std::string& shell);

int version(const Context& context);

}  // namespace chaos::ctl
