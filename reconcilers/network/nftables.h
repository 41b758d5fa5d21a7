// libnftables in the network namespace of the calling thread.
#pragma once

#include <memory>
#include <string>

#include "controller/api/error.h"

struct nft_ctx;

namespace chaos::network {

class Nftables {
public:
    // Errors: kUnavailable.
    [[nodiscard]] static Result<Nftables> open();

    // Carries a ruleset out, as one transaction. Errors: kInvalid with libnftables' own words (and
    // the kernel's in them), nothing was done then.
    [[nodiscard]] Result<> run(const std::string& ruleset);

private:
    struct Free {
        void operator()(nft_ctx* context) const;
    };
    explicit Nftables(nft_ctx* raw) : raw_(raw) {}

    std::unique_ptr<nft_ctx, Free> raw_;
};

}  // namespace chaos::network
