#include "decoding/sequence.h"

#include <algorithm>
#include <numeric>

namespace tenwatt::decoding {

using text::TokenId;

int64_t Sequence::chunk_size(int64_t asked) const {
  const graph::Graph& graph = program_->graph();
  const int64_t most = graph.tokens ? graph.symbol(*graph.tokens).bounds.max : 1;
  return asked > 0 ? std::min(asked, most) : most;
}

Result<Tensor> Sequence::run(std::span<const TokenId> tokens, std::vector<int64_t> wanted,
                             const std::atomic<bool>* cancel) {
  const auto rows = static_cast<int64_t>(tokens.size());
  engine::Batch batch;
  batch.slices.push_back({session_.get(), rows, std::move(wanted)});
  batch.inputs.emplace("ids", Tensor::of(tokens, {rows}));
  std::vector<Tensor> outputs = TENWATT_TRY(program_->run(batch, {.cancel = cancel}));
  return std::move(outputs.front());
}

Status Sequence::append(std::span<const TokenId> tokens, const std::atomic<bool>* cancel,
                        int64_t chunk) {
  const auto size = static_cast<size_t>(chunk_size(chunk));
  while (!tokens.empty()) {
    const size_t rows = std::min(size, tokens.size());
    const bool last = rows == tokens.size();
    std::vector<int64_t> wanted;
    if (last) wanted.push_back(static_cast<int64_t>(rows) - 1);
    Tensor logits = TENWATT_TRY(run(tokens.first(rows), std::move(wanted), cancel));
    logits_ = last ? std::move(logits) : Tensor();
    tokens = tokens.subspan(rows);
  }
  return {};
}

Status Sequence::append_each(std::span<const TokenId> tokens, const EachRow& each,
                             const std::atomic<bool>* cancel, int64_t chunk) {
  const auto size = static_cast<size_t>(chunk_size(chunk));
  int64_t index = 0;
  while (!tokens.empty()) {
    const size_t rows = std::min(size, tokens.size());
    std::vector<int64_t> wanted(rows);
    std::iota(wanted.begin(), wanted.end(), 0);
    const Tensor logits = TENWATT_TRY(run(tokens.first(rows), std::move(wanted), cancel));
    const std::span<const float> values = logits.values<float>();
    const size_t vocabulary = values.size() / rows;
    // Before the caller sees any row: if it fails, the logits still follow the last token.
    const auto last = values.subspan((rows - 1) * vocabulary, vocabulary);
    logits_ = Tensor::of(last, {1, static_cast<int64_t>(vocabulary)});
    for (size_t row = 0; row < rows; ++row) {
      TENWATT_TRY(each(index++, values.subspan(row * vocabulary, vocabulary)));
    }
    tokens = tokens.subspan(rows);
  }
  return {};
}

Result<Sequence> Sequence::fork() const {
  Sequence copy(program_, TENWATT_TRY(session_->fork()));
  copy.logits_ = logits_;
  return copy;
}

Status Sequence::truncate(int64_t length) {
  TENWATT_TRY(session_->truncate(length));
  logits_ = Tensor();
  return {};
}

}  // namespace tenwatt::decoding
