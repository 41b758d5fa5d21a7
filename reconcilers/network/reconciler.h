// Network faults: all that are in force in a namespace are one wish, and whatever changes in it is
// one visit there. What is asked for at the same time is done by the same visit.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "controller/runtime/reconciler.h"
#include "controller/runtime/worker.h"
#include "reconcilers/network/namespace.h"
#include "reconcilers/network/space.h"
#include "reconcilers/network/visit.h"

namespace chaos::network {

class NetworkReconciler : public runtime::Reconciler {
public:
    NetworkReconciler();
    ~NetworkReconciler() override;

    [[nodiscard]] Task<Result<Effect>> inject(const FaultRecord& record, bool again) override;
    [[nodiscard]] Task<Result<Effect>> undo(const FaultRecord& record) override;
    [[nodiscard]] Task<Result<Effect>> observe(const FaultRecord& record) override;
    void restore(const FaultRecord& record) override;

    // Finds out what the kernel can do, so that the first fault need not wait for it.
    [[nodiscard]] Task<> prepare() { return learn_abilities(true); }

    // Removes what has our mark in the namespaces of these containers, is no fault that is known
    // and has been ended by the kernel: an earlier life has left it. Answers in how many there was
    // something. What cannot be removed is left to the next start: it does nothing.
    [[nodiscard]] Task<int> sweep(std::set<std::string> container_ids);

private:
    // A namespace with faults. It is held open meanwhile, so that its inode is nobody else's.
    struct Place;
    using PlacePtr = std::shared_ptr<Place>;

    // Brings the namespace to what its place wants; what is asked meanwhile is done as well.
    [[nodiscard]] Task<Result<Report>> bring(PlacePtr place);
    [[nodiscard]] Task<Result<Report>> visit_once(PlacePtr place);
    // What the kernel can do; asked again after a while where something was missing and is
    // `wanted`.
    [[nodiscard]] Task<> learn_abilities(bool wanted);
    [[nodiscard]] PlacePtr place_of(std::shared_ptr<Namespace> space);
    [[nodiscard]] PlacePtr find_place(const FaultRecord& record) const;
    // Takes the fault out of every place but this one, and what it has left there.
    [[nodiscard]] Task<> leave_others(const FaultRecord& record, unsigned long inode);
    void drop_if_idle(const PlacePtr& place);

    std::map<unsigned long, PlacePtr> places_;  // by inode
    Abilities abilities_;
    std::optional<TimePoint> abilities_known_;
    bool learning_ = false;
    std::vector<boost::asio::steady_timer*> waiting_;  // for the end of that
    runtime::Worker worker_;
    runtime::Worker closer_;  // see Report::to_close
};

}  // namespace chaos::network
