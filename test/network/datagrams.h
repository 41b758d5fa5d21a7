// Numbered UDP datagrams from one end of a pair to the other, and what became of them.
#pragma once

#include <netinet/in.h>

#include <string>
#include <vector>

#include "test/network/pair.h"

namespace chaos::test {

class Datagrams {
public:
    struct Outcome {
        int arrived = 0;       // of different numbers, undamaged
        int twice = 0;         // arrived before
        int damaged = 0;       // with another content than was sent; checksums are off
        int out_of_order = 0;  // after a higher number
        int early = 0;         // before more than 20 that were sent before it
        std::size_t bytes = 0;
        double seconds = 0;  // from the first to the last that arrived
    };
    struct Options {
        std::string to = "10.77.0.2";
        std::uint16_t port = 9000;
        std::size_t size = 1000;                         // of the content, in bytes
        Duration pause = std::chrono::microseconds{50};  // between two datagrams
        bool reverse = false;                            // from the second end to the first
    };

    // Sends, and waits until nothing has come for a while.
    static Outcome send(const Pair& pair, int count, const Options& options);
};

}  // namespace chaos::test
