#pragma once
// The way of the last outcomes of tasks from the dispatcher to whoever is told of them: through the record
// where there is one, so that what is told is safe, and results in the order that was asked for.

#include <memory>
#include <optional>
#include <string>

#include "base/in_order.hpp"
#include "core/shard.hpp"
#include "parrun/outcome.hpp"
#include "record/recorder.hpp"

namespace parrun {

enum class Order { completion, submission };

class DeliveryListener {
 public:
  virtual ~DeliveryListener() = default;
  /// The task is over; told as they end. What it wrote may be gone.
  virtual void on_ended(const Outcome& outcome, const std::string& label) = 0;
  /// What it wrote and returned; told in the order that was asked for.
  virtual void on_result(const Outcome& outcome, const std::string& label) = 0;
  /// Results come faster than they can be passed on.
  virtual bool congested() const = 0;
};

class Delivery {
 public:
  virtual ~Delivery() = default;

  /// Never waits.
  virtual void take(Outcome&& outcome, std::string label) = 0;
  /// Tells what is due. True if something was.
  virtual bool turn() = 0;
  virtual bool congested() const = 0;
  /// It is congested by results that wait for those of earlier tasks.
  virtual bool waits_for_earlier() const = 0;
  /// Make safe what was taken as soon as possible, for it may be the last thing this process does.
  virtual void hurry() = 0;
  /// All that was taken is safe, and has been told as ended.
  virtual bool safe() const = 0;
  /// Nothing more will be taken: what waits for the results of earlier tasks is told without them.
  virtual void end_order() = 0;
  /// All that is due has been told.
  virtual bool done() const = 0;
  /// Why it can go on no more, in a line.
  virtual std::optional<std::string> failure() const = 0;
  /// For who looks on from outside.
  virtual void set_executing(std::uint64_t tasks) = 0;
  /// The run ends so; closed() when that is safe too.
  virtual void finish(int exit_code) = 0;
  virtual bool closed() const = 0;
};

/// Keeps nothing but what waits for its turn.
std::unique_ptr<Delivery> deliver_directly(DeliveryListener& listener, Order order, Shard shard = {});

/// `replay`: results of earlier runs are told too, as they always are in the order of submission.
std::unique_ptr<Delivery> deliver_recorded(DeliveryListener& listener, Order order, record::RecordFile record,
                                           bool replay);

}  // namespace parrun
