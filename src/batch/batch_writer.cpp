#include "batch/batch_writer.hpp"

namespace parrun {

using format::chain;
using format::checksum;

BatchFileWriter::BatchFileWriter(const std::string& path) : out_(path) {
  out_.write(encode(format::Header{}));
}

BatchFileWriter::BatchFileWriter(int fd, std::string name) : out_(fd, std::move(name)) {
  out_.write(encode(format::Header{}));
}

void BatchFileWriter::add(const TaskSpec& spec) {
  const Bytes payload = encode(spec);
  const std::uint64_t sum = checksum(payload, payload.size());
  index_.push_back(out_.size());
  out_.write(ByteWriter().put<std::uint64_t>(payload.size()).put(sum).take());
  out_.write(payload);
  trailer_.content_hash = chain(trailer_.content_hash, sum);
  note_work(spec);
}

void BatchFileWriter::note_work(const TaskSpec& spec) {
  trailer_.contents |= spec.is_command() ? format::kHasCommands : format::kHasCalls;
  const auto* call = std::get_if<Call>(&spec.work);
  if (call != nullptr && !functions_.contains(call->function)) functions_.insert(call->function);
}

void BatchFileWriter::finish() {
  write_names();
  write_index();
  trailer_.task_count = index_.size();
  trailer_.file_size = out_.size() + format::kTrailerSize;
  out_.write(encode(trailer_));
  out_.commit();
}

void BatchFileWriter::write_names() {
  ByteWriter names;
  for (const std::string& name : functions_) names.put(name);
  const Bytes bytes = names.take();
  trailer_.names_offset = out_.size();
  trailer_.names_checksum = checksum(bytes);
  out_.write(bytes);
}

void BatchFileWriter::write_index() {
  trailer_.index_offset = out_.size();
  for (const std::uint64_t offset : index_) {
    trailer_.index_checksum = chain(trailer_.index_checksum, offset);
    out_.write(BytesView(reinterpret_cast<const char*>(&offset), sizeof offset));
  }
}

}  // namespace parrun
