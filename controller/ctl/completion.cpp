#include <ostream>

#include "controller/ctl/verbs.h"

namespace chaos::ctl {
namespace {

constexpr const char* kVerbs =
    "abort apply completion delete describe diff doctor emergency-stop events explain get graph "
    "logs monkey pause plan recover resume run schema status stop validate verify-clean version "
    "wait";

constexpr const char* kNamed = "abort|delete|describe|events|get|pause|recover|resume|run|wait";

}  // namespace

int completion(const Context& context, const std::string& shell) {
    if (shell == "bash") {
        context.out << "_chaosctl() {\n"
                       "    local word=${COMP_WORDS[COMP_CWORD]}\n"
                       "    if ((COMP_CWORD == 1)); then\n"
                       "        COMPREPLY=($(compgen -W '"
                    << kVerbs
                    << "' -- \"$word\"))\n"
                       "        return\n"
                       "    fi\n"
                       "    case ${COMP_WORDS[1]} in\n"
                       "    "
                    << kNamed
                    << ")\n"
                       "        COMPREPLY=($(compgen -W \"$(chaosctl get -o name 2>/dev/null | "
                       "sed 's|.*/||')\" -- \"$word\")) ;;\n"
                       "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
                       "    esac\n"
                       "}\n"
                       "complete -F _chaosctl chaosctl\n";
    } else if (shell == "zsh") {
        context.out << "#compdef chaosctl\n"
                       "_chaosctl() {\n"
                       "    if ((CURRENT == 2)); then\n"
                       "        compadd "
                    << kVerbs
                    << "\n"
                       "        return\n"
                       "    fi\n"
                       "    case ${words[2]} in\n"
                       "    "
                    << kNamed
                    << ") compadd ${(f)\"$(chaosctl get -o name 2>/dev/null | "
                       "sed 's|.*/||')\"} ;;\n"
                       "    *) _files ;;\n"
                       "    esac\n"
                       "}\n"
                       "compdef _chaosctl chaosctl\n";
    } else {
        context.out << "complete -c chaosctl -n __fish_use_subcommand -f -a '" << kVerbs
                    << "'\n"
                       "complete -c chaosctl -n 'not __fish_use_subcommand' -f -a "
                       "'(chaosctl get -o name 2>/dev/null | string replace -r \".*/\" \"\")'\n";
    }
    return kOk;
}

}  // namespace chaos::ctl
