// The Docker engine and the resolver as the reconcile loop sees them.
#pragma once

#include "controller/docker/engine.h"
#include "controller/runtime/hosts.h"
#include "controller/runtime/reconciler.h"

namespace chaos::app {

class EngineWorld : public runtime::World {
public:
    EngineWorld(docker::Engine& engine, runtime::Hosts& hosts) : engine_(engine), hosts_(hosts) {}
    [[nodiscard]] bool synced() const override { return engine_.synced(); }
    [[nodiscard]] const std::vector<Container>& containers() const override {
        return engine_.cache().containers();
    }
    [[nodiscard]] const std::map<std::string, std::vector<std::string>>& hosts() const override {
        return hosts_.addresses();
    }
    void want_host(const std::string& name) override { hosts_.want(name); }
    [[nodiscard]] Task<> ensure_details(std::string name) override {
        return engine_.ensure_details(std::move(name));
    }
    [[nodiscard]] Task<Result<bool>> start(std::string name) override {
        return engine_.start(std::move(name));
    }
    [[nodiscard]] Task<Result<Executed>> execute(std::string name, std::vector<std::string> command,
                                                 Duration timeout) override {
        const auto* container = engine_.cache().find_name(name);
        const auto id = container == nullptr ? name : container->id;
        auto done = co_await engine_.client().execute(id, std::move(command), timeout);
        if (!done) co_return std::unexpected(done.error());
        co_return Executed{done->exit_code, std::move(done->output)};
    }

private:
    docker::Engine& engine_;
    runtime::Hosts& hosts_;
};

}  // namespace chaos::app
