#include "engine/session.h"

#include <cstring>

#include "base/digest.h"
#include "engine/program.h"
#include "graph/ir/bind.h"

namespace tenwatt::engine {

using devices::kPageRows;
using graph::State;
using graph::StateKind;

namespace {

constexpr std::string_view kMagic = "TWSESSN2";

/// The declared shape of a state's content; its extents must be constants.
Result<Shape> content_shape(const State& state) {
  graph::Dims dims;
  if (state.kind != StateKind::kValue) dims.push_back(state.rows);
  dims.insert(dims.end(), state.row.begin(), state.row.end());
  auto shape = graph::bound_shape(dims, {});
  if (!shape) return fail_in("state " + state.name, shape.error());
  return shape;
}

Result<int64_t> row_elements(const State& state) {
  return checked_elements(TENWATT_TRY(graph::bound_shape(state.row, {})));
}

/// Tells saved sessions of different models and precisions apart.
uint64_t model_of(const Program& program) {
  std::string text = program.source() + "|" + program.graph().name;
  for (const State& state : program.graph().states) {
    text += "|" + state.name + " " + std::string(info(state.format).name);
  }
  return checksum64(std::as_bytes(std::span(text)));
}

int64_t pages_for(int64_t rows) { return (rows + kPageRows - 1) / kPageRows; }

}  // namespace

Session::Session(std::shared_ptr<const Program> program) : program_(std::move(program)) {
  for (const State& state : program_->graph().states) {
    Tensor content;
    // Recurrent states start at zero; fixed ones must be set. A state whose extents are not
    // constant stays undefined, and the first run that reads it says so.
    if (state.kind == StateKind::kValue || state.kind == StateKind::kRing) {
      if (auto shape = content_shape(state)) {
        if (auto zeros = Tensor::create(state.format, *shape)) content = std::move(*zeros);
      }
    }
    contents_.push_back(std::move(content));
  }
}

Result<std::unique_ptr<Session>> Session::fork() const {
  std::unique_ptr<Session> copy(new Session(program_));
  copy->length_ = length_;
  const auto shared = static_cast<size_t>(pages_for(length_));
  copy->pages_.assign(pages_.begin(),
                      pages_.begin() + static_cast<ptrdiff_t>(std::min(shared, pages_.size())));
  for (const auto& page : copy->pages_) copy->page_pointers_.push_back(page.get());
  copy->contents_ = contents_;
  return copy;
}

Status Session::truncate(int64_t length) {
  if (length < 0 || length > length_) {
    return fail(ErrorCode::kOutOfRange, "a session of " + std::to_string(length_) +
                                            " tokens can't be cut to " + std::to_string(length));
  }
  // Going back to the start also forgets what recurrent states hold, whatever the rows.
  if (length == length_ && length > 0) return {};
  for (const State& state : program_->graph().states) {
    const bool recurrent = state.kind == StateKind::kValue || state.kind == StateKind::kRing;
    if (recurrent && length > 0) {
      return fail(ErrorCode::kUnsupported,
                  "state " + state.name + " is recurrent and can't go back",
                  "keep a fork at the point to return to");
    }
  }
  if (length == 0) {
    Session fresh(program_);
    for (size_t i = 0; i < contents_.size(); ++i) {
      if (program_->graph().states[i].kind != StateKind::kFixed) {
        contents_[i] = std::move(fresh.contents_[i]);
      }
    }
  }
  length_ = length;
  pages_.resize(static_cast<size_t>(pages_for(length)));
  page_pointers_.resize(pages_.size());
  return {};
}

Status Session::reserve(int64_t rows) {
  const auto needed = static_cast<size_t>(pages_for(length_ + rows));
  const auto first_written = static_cast<size_t>(length_ / kPageRows);
  for (size_t i = first_written; i < needed; ++i) {
    if (i < pages_.size() && pages_[i].use_count() == 1) continue;
    PagePool::Page fresh = TENWATT_TRY(program_->page_pool_->take());
    if (i < pages_.size()) {
      // Shared with a fork: copy what is committed, then write to the copy.
      if (length_ % kPageRows != 0 && i == first_written) {
        std::memcpy(fresh.get(), pages_[i].get(), program_->page_pool_->page_bytes());
      }
      pages_[i] = std::move(fresh);
      page_pointers_[i] = pages_[i].get();
    } else {
      page_pointers_.push_back(fresh.get());
      pages_.push_back(std::move(fresh));
    }
  }
  return {};
}

Status Session::set_state(std::string_view name, const Tensor& content) {
  const auto index = program_->graph().find_state(name);
  if (!index) {
    return fail(ErrorCode::kNotFound, "this model has no state " + std::string(name));
  }
  const State& state = program_->graph().states[*index];
  if (state.kind == StateKind::kAppend) {
    return fail(ErrorCode::kInvalidArgument, "append state " + state.name + " grows by runs only");
  }
  const Shape shape = TENWATT_TRY(content_shape(state));
  if (content.shape() != shape || content.format() != state.format) {
    return fail(ErrorCode::kInvalidArgument, "state " + state.name + " wants " + to_string(shape) +
                                                 " " + std::string(info(state.format).name) +
                                                 " and got " + to_string(content.shape()) + " " +
                                                 std::string(info(content.format()).name));
  }
  contents_[*index] = content;
  return {};
}

Result<Tensor> Session::state(std::string_view name) const {
  const auto index = program_->graph().find_state(name);
  if (!index) {
    return fail(ErrorCode::kNotFound, "this model has no state " + std::string(name));
  }
  const State& state = program_->graph().states[*index];
  if (state.kind != StateKind::kAppend) return contents_[*index].to_f32();
  if (program_->pages_.layout == nullptr) {
    return fail(ErrorCode::kUnsupported, "no node of this model uses the state " + state.name);
  }
  Shape shape = TENWATT_TRY(graph::bound_shape(state.row, {}));
  const int64_t per_row = TENWATT_TRY(checked_elements(shape));
  shape.insert(shape.begin(), length_);
  Tensor all = TENWATT_TRY(Tensor::create(Format::kF32, std::move(shape)));
  for (int64_t row = 0; row < length_; row += kPageRows) {
    const int64_t rows = std::min(kPageRows, length_ - row);
    const std::byte* page =
        page_pointers_[static_cast<size_t>(row / kPageRows)] + program_->pages_.offsets[*index];
    TENWATT_TRY(program_->pages_.layout->to_canonical(
        state, page, rows,
        all.mutable_values<float>().subspan(static_cast<size_t>(row * per_row),
                                            static_cast<size_t>(rows * per_row))));
  }
  return all;
}

Result<std::string> Session::save() const {
  std::string saved(kMagic);
  auto put = [&](const void* data, size_t bytes) {
    saved.append(static_cast<const char*>(data), bytes);
  };
  put(&length_, sizeof(length_));
  const uint64_t model = model_of(*program_);
  put(&model, sizeof(model));
  for (const State& state : program_->graph().states) {
    const Tensor content = TENWATT_TRY(this->state(state.name));
    const uint64_t size = content.bytes().size();
    put(&size, sizeof(size));
    put(content.bytes().data(), size);
  }
  const uint64_t checksum = checksum64(std::as_bytes(std::span(saved)));
  put(&checksum, sizeof(checksum));
  return saved;
}

Result<std::unique_ptr<Session>> Session::load(std::shared_ptr<const Program> program,
                                               std::string_view saved) {
  const auto broken = [] {
    return fail(ErrorCode::kCorrupt, "a saved session is damaged or of another model",
                "start a new session");
  };
  uint64_t checksum = 0;
  int64_t length = 0;
  uint64_t model = 0;
  constexpr size_t kHead = sizeof(length) + sizeof(model);
  if (!saved.starts_with(kMagic) || saved.size() < kMagic.size() + kHead + sizeof(checksum)) {
    return broken();
  }
  const std::string_view body = saved.substr(0, saved.size() - sizeof(checksum));
  std::memcpy(&checksum, saved.data() + body.size(), sizeof(checksum));
  if (checksum64(std::as_bytes(std::span(body))) != checksum) return broken();
  std::string_view rest = body.substr(kMagic.size());
  std::memcpy(&length, rest.data(), sizeof(length));
  std::memcpy(&model, rest.data() + sizeof(length), sizeof(model));
  rest.remove_prefix(kHead);
  if (model != model_of(*program)) return broken();
  const bool paged = program->pages_.page_bytes > 0;
  // Every row of an append state has at least one number here, which bounds the pages to take.
  if (length < 0 || (paged && static_cast<uint64_t>(length) > rest.size())) return broken();
  std::unique_ptr<Session> session = program->open_session();
  if (paged) TENWATT_TRY(session->reserve(length));
  for (size_t i = 0; i < program->graph().states.size(); ++i) {
    const State& state = program->graph().states[i];
    uint64_t size = 0;
    if (rest.size() < sizeof(size)) return broken();
    std::memcpy(&size, rest.data(), sizeof(size));
    rest.remove_prefix(sizeof(size));
    if (rest.size() < size || size % sizeof(float) != 0) return broken();
    std::vector<float> content(size / sizeof(float));
    std::memcpy(content.data(), rest.data(), size);
    rest.remove_prefix(size);
    if (state.kind != StateKind::kAppend) {
      if (content.empty()) continue;
      const Shape shape = TENWATT_TRY(content_shape(state));
      if (elements(shape) != static_cast<int64_t>(content.size())) return broken();
      Tensor tensor = TENWATT_TRY(Tensor::create(state.format, shape));
      info(state.format).encode(content, tensor.mutable_bytes());
      session->contents_[i] = std::move(tensor);
      continue;
    }
    const int64_t per_row = TENWATT_TRY(row_elements(state));
    if (!paged || static_cast<int64_t>(content.size()) != per_row * length) return broken();
    for (int64_t row = 0; row < length; row += kPageRows) {
      const int64_t rows = std::min(kPageRows, length - row);
      std::byte* page = session->page_pointers_[static_cast<size_t>(row / kPageRows)] +
                        program->pages_.offsets[i];
      TENWATT_TRY(program->pages_.layout->from_canonical(
          state,
          std::span<const float>(content).subspan(static_cast<size_t>(row * per_row),
                                                  static_cast<size_t>(rows * per_row)),
          rows, page));
    }
  }
  if (!rest.empty()) return broken();
  session->length_ = length;
  return session;
}

}  // namespace tenwatt::engine
