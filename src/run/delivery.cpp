#include "run/delivery.hpp"

#include <utility>

namespace parrun {
namespace {

class DirectDelivery final : public Delivery {
 public:
  // In the order of submission one slow task can hold the results of all others back; from here on nothing
  // new is begun.
  static constexpr std::size_t kHeldBytes = std::size_t{256} << 20;

  DirectDelivery(DeliveryListener& listener, Order order, Shard shard)
      : listener_(listener), order_(order), shard_(shard) {}

  void take(Outcome&& outcome, std::string label) override {
    listener_.on_ended(outcome, label);
    if (order_ == Order::completion) return listener_.on_result(outcome, label);
    record::Row row{.outcome = std::move(outcome), .label = std::move(label)};
    held_bytes_ += size_of(row);
    const std::uint64_t number = shard_.position(row.outcome.task);
    held_.put(number, std::move(row));
    while (auto next = held_.take_next()) tell(*next);
  }
  bool turn() override { return false; }
  bool congested() const override { return held_bytes_ > kHeldBytes; }
  bool waits_for_earlier() const override { return congested(); }
  void hurry() override {}
  bool safe() const override { return true; }
  void end_order() override {
    while (auto next = held_.take_over_gap()) tell(*next);
  }
  bool done() const override { return true; }
  std::optional<std::string> failure() const override { return std::nullopt; }
  void set_executing(std::uint64_t /*tasks*/) override {}
  void finish(int /*exit_code*/) override {}
  bool closed() const override { return true; }

 private:
  void tell(const record::Row& row) {
    held_bytes_ -= size_of(row);
    listener_.on_result(row.outcome, row.label);
  }

  DeliveryListener& listener_;
  Order order_;
  Shard shard_;
  InOrder<record::Row> held_;
  std::size_t held_bytes_ = 0;
};

record::ReadBack read_back(Order order, bool replay) {
  if (order == Order::submission) return record::ReadBack::all;
  return replay ? record::ReadBack::settled : record::ReadBack::none;
}

class RecordedDelivery final : public Delivery {
 public:
  RecordedDelivery(DeliveryListener& listener, Order order, record::RecordFile file, bool replay)
      : listener_(listener), order_(order), recorder_(std::move(file), read_back(order, replay)) {}

  void take(Outcome&& outcome, std::string label) override {
    recorder_.add({.outcome = std::move(outcome), .label = std::move(label)});
  }

  bool turn() override {
    const bool ended = tell_ended();
    const bool read = !listener_.congested() && tell_read_back();
    return ended || read;
  }

  bool congested() const override { return recorder_.congested(); }
  bool waits_for_earlier() const override { return false; }
  void hurry() override { recorder_.expedite(); }
  bool safe() const override { return recorder_.committed(); }
  void end_order() override { recorder_.end_order(); }
  bool done() const override { return safe() && recorder_.read_out(); }
  std::optional<std::string> failure() const override { return recorder_.failure(); }
  void set_executing(std::uint64_t tasks) override { recorder_.set_executing(tasks); }
  void finish(int exit_code) override { recorder_.finish(exit_code); }
  bool closed() const override { return recorder_.closed(); }

 private:
  bool tell_ended() {
    const std::vector<record::Row> rows = recorder_.take_committed();
    for (const record::Row& row : rows) {
      listener_.on_ended(row.outcome, row.label);
      if (order_ == Order::completion) listener_.on_result(row.outcome, row.label);
    }
    return !rows.empty();
  }
  bool tell_read_back() {
    const std::vector<record::Row> rows = recorder_.take_read_back();
    for (const record::Row& row : rows) listener_.on_result(row.outcome, row.label);
    return !rows.empty();
  }

  DeliveryListener& listener_;
  Order order_;
  record::Recorder recorder_;
};

}  // namespace

std::unique_ptr<Delivery> deliver_directly(DeliveryListener& listener, Order order, Shard shard) {
  return std::make_unique<DirectDelivery>(listener, order, shard);
}

std::unique_ptr<Delivery> deliver_recorded(DeliveryListener& listener, Order order, record::RecordFile record,
                                           bool replay) {
  return std::make_unique<RecordedDelivery>(listener, order, std::move(record), replay);
}

}  // namespace parrun
