// Processes that the kernel ends before the container's own when memory runs out. The stressor is
// the first; but for some milliseconds after that its memory counts as free to the one who chooses
// the next victim (mm/mmap.c, exit_mmap: MMF_OOM_SKIP is set before the last pages are given back)
// and is not yet. Whoever asks for memory just then has the next victim chosen: one of these.
#pragma once

#include <sys/types.h>

#include <vector>

namespace chaos::stressor {

class Decoys {
public:
    // Has as many as there should be; those that were ended are replaced. They end when this
    // process has, its memory given back.
    void keep();

private:
    std::vector<pid_t> pids_;
};

}  // namespace chaos::stressor
