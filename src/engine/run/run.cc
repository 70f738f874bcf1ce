#include "engine/run/run.h"

#include <algorithm>
#include <cstring>

#include "base/trace.h"
#include "devices/interface/host_buffer.h"
#include "graph/ir/bind.h"

namespace tenwatt::engine {

using graph::kNoNode;
using graph::kNoValue;
using graph::State;
using graph::StateKind;
using graph::Symbol;
using graph::Value;
using graph::ValueId;

namespace {

constexpr size_t kAlign = 64;
constexpr int64_t kMostRows = int64_t{1} << 31;  // positions are 32-bit numbers
size_t round_up(size_t value) { return (value + kAlign - 1) / kAlign * kAlign; }

}  // namespace

Program::Run::Run(const Program& program, const Batch& batch, const RunOptions& options)
    : program_(program), graph_(program.graph()), batch_(batch), options_(options) {
  bindings_.resize(graph_.symbols().size());
  values_.resize(program.slot_count_);
}

Result<std::vector<Tensor>> Program::Run::execute() {
  TENWATT_TRY(check_taps());
  TENWATT_TRY(bind_batch());
  for (ValueId id : graph_.inputs) TENWATT_TRY(bind_input(id));
  TENWATT_TRY(bind_states());
  TENWATT_TRY(graph_.check_assumptions(bindings_));
  TENWATT_TRY(view_slices());
  size_t next = 0;
  for (int segment = 0; segment < program_.plan_.segments; ++segment) {
    for (; next < program_.plan_.partitions.size(); ++next) {
      const PlannedPartition& planned = program_.plan_.partitions[next];
      if (planned.segment != segment) break;
      const TraceSpan span(graph_.name.empty() ? "partition" : graph_.name, "engine");
      TENWATT_TRY(run_partition(planned, *program_.executables_[next]));
    }
    TENWATT_TRY(bind_after(segment));
  }
  std::vector<Tensor> outputs;
  for (ValueId id : graph_.outputs) {
    const Value& value = graph_.value(id);
    outputs.push_back(value.constant ? *value.constant : slot(id));
  }
  TENWATT_TRY(commit());
  return outputs;
}

Status Program::Run::check_taps() const {
  for (const std::string& name : options_.taps) {
    if (graph_.find_value(name)) continue;
    return fail(ErrorCode::kInvalidArgument, "the planned graph has no value " + name);
  }
  return {};
}

Status Program::Run::bind_batch() {
  int64_t rows = 0;
  int64_t wanted = 0;
  for (const Slice& slice : batch_.slices) {
    if (slice.session == nullptr || slice.session->program_.get() != &program_) {
      return fail(ErrorCode::kInvalidArgument, "a slice has no session of this program");
    }
    if (slice.rows < 0 || slice.rows > kMostRows) {
      return fail(ErrorCode::kInvalidArgument,
                  "a slice of " + std::to_string(slice.rows) + " rows is not possible");
    }
    rows += slice.rows;
    wanted += static_cast<int64_t>(slice.wanted.size());
    int64_t last = -1;
    for (int64_t row : slice.wanted) {
      if (row <= last || row >= slice.rows) {
        return fail(ErrorCode::kInvalidArgument, "wanted rows must ascend within their slice");
      }
      last = row;
    }
  }
  if (!graph_.tokens) return {};
  if (batch_.slices.empty()) {
    return fail(ErrorCode::kInvalidArgument, "a sequence model needs at least one slice");
  }
  TENWATT_TRY(graph::bind_symbol(graph_, *graph_.tokens, rows, bindings_));
  if (graph_.wanted) TENWATT_TRY(graph::bind_symbol(graph_, *graph_.wanted, wanted, bindings_));
  return {};
}

Status Program::Run::bind_input(ValueId id) {
  const Value& value = graph_.value(id);
  const auto given = batch_.inputs.find(value.name);
  Tensor tensor = given != batch_.inputs.end() ? given->second : TENWATT_TRY(implicit_input(value));
  if (tensor.format() != value.type.format) {
    return fail(ErrorCode::kInvalidArgument,
                "input " + graph_.describe(id) + " got " + std::string(info(tensor.format()).name));
  }
  TENWATT_TRY(graph::bind_shape(graph_, id, tensor.shape(), bindings_));
  for (size_t s = 0; s < graph_.symbols().size(); ++s) {
    const auto& source = graph_.symbols()[s].source;
    if (!source || source->value != id || source->kind != Symbol::Source::Kind::kElement) continue;
    const int64_t number =
        TENWATT_TRY(graph::dimension_element(tensor.format(), tensor.bytes(), source->index));
    TENWATT_TRY(graph::bind_symbol(graph_, static_cast<graph::SymbolId>(s), number, bindings_));
  }
  if (program_.slots_[static_cast<size_t>(id)] >= 0) slot(id) = std::move(tensor);
  return {};
}

Result<Tensor> Program::Run::implicit_input(const Value& value) const {
  const bool positions = value.name == "positions";
  if (!graph_.tokens || (!positions && value.name != "wanted_rows")) {
    return fail(ErrorCode::kInvalidArgument, "the input " + value.name + " is missing");
  }
  std::vector<int32_t> numbers;
  int64_t first = 0;
  for (const Slice& slice : batch_.slices) {
    if (positions) {
      for (int64_t row = 0; row < slice.rows; ++row) {
        numbers.push_back(static_cast<int32_t>(slice.session->length() + row));
      }
    } else {
      for (int64_t row : slice.wanted) numbers.push_back(static_cast<int32_t>(first + row));
    }
    first += slice.rows;
  }
  const auto count = static_cast<int64_t>(numbers.size());
  return Tensor::of(std::span<const int32_t>(numbers), {count});
}

Status Program::Run::bind_states() {
  for (size_t i = 0; i < graph_.states.size(); ++i) {
    if (graph_.states[i].kind != StateKind::kAppend) TENWATT_TRY(bind_state_content(i));
  }
  return {};
}

Status Program::Run::bind_state_content(size_t index) {
  const State& state = graph_.states[index];
  if (batch_.slices.empty()) {
    return fail(ErrorCode::kInvalidArgument, "state " + state.name + " needs a session");
  }
  const Tensor& content = batch_.slices.front().session->contents_[index];
  for (const Slice& slice : batch_.slices) {
    // Forks share a fixed state by handle; anything else would need one value per slice.
    const bool alone = batch_.slices.size() == 1;
    const bool shared = slice.session->contents_[index].bytes().data() == content.bytes().data();
    if (!alone && (state.kind != StateKind::kFixed || !shared)) {
      return fail(ErrorCode::kUnsupported,
                  "state " + state.name + " differs between the slices of one batch",
                  "run these sequences in batches of their own");
    }
  }
  if (content.bytes().data() == nullptr) {
    return fail(ErrorCode::kInvalidArgument, "state " + state.name + " has not been set");
  }
  if (state.read == kNoValue) return {};
  TENWATT_TRY(graph::bind_shape(graph_, state.read, content.shape(), bindings_));
  if (program_.slots_[static_cast<size_t>(state.read)] >= 0) slot(state.read) = content;
  return {};
}

Status Program::Run::view_slices() {
  const size_t states = graph_.states.size();
  state_views_.resize(batch_.slices.size() * states);
  int64_t first = 0;
  for (size_t s = 0; s < batch_.slices.size(); ++s) {
    const Slice& slice = batch_.slices[s];
    for (size_t other = 0; other < s; ++other) {
      if (batch_.slices[other].session == slice.session) {
        return fail(ErrorCode::kInvalidArgument, "one session is in two slices of a batch");
      }
    }
    TENWATT_TRY(check_capacity(slice));
    if (program_.pages_.page_bytes > 0) TENWATT_TRY(slice.session->reserve(slice.rows));
    for (size_t i = 0; i < states; ++i) {
      devices::StateView& view = state_views_[s * states + i];
      if (graph_.states[i].kind == StateKind::kAppend) {
        view.pages = slice.session->page_pointers_;
        view.offset = program_.pages_.offsets[i];
        view.committed = slice.session->length();
      } else {
        view.content = slice.session->contents_[i].bytes().data();
      }
    }
    slices_.push_back({.first_row = first,
                       .rows = slice.rows,
                       .position = slice.session->length(),
                       .states = std::span(state_views_).subspan(s * states, states)});
    first += slice.rows;
  }
  return {};
}

Status Program::Run::check_capacity(const Slice& slice) const {
  for (const State& state : graph_.states) {
    if (state.kind != StateKind::kAppend) continue;
    const int64_t capacity = TENWATT_TRY(state.rows.evaluate(bindings_));
    if (slice.session->length() + slice.rows <= capacity) continue;
    return fail(ErrorCode::kOutOfRange,
                "the sequence would have " + std::to_string(slice.session->length() + slice.rows) +
                    " tokens, and the model's context holds " + std::to_string(capacity),
                "shorten the input, or start a new session");
  }
  return {};
}

Status Program::Run::make_outputs(const PlannedPartition& planned) {
  std::vector<Shape> shapes;
  size_t bytes = 0;
  for (ValueId id : planned.outputs) {
    const Value& value = graph_.value(id);
    shapes.push_back(TENWATT_TRY(graph::largest_shape(graph_, value.type.shape, bindings_)));
    const int64_t count = TENWATT_TRY(checked_elements(shapes.back()));
    bytes += round_up(TENWATT_TRY(storage_bytes(value.type.format, count)));
  }
  const FramePool::Frame frame = TENWATT_TRY(program_.frames_->take(bytes));
  size_t offset = 0;
  for (size_t i = 0; i < planned.outputs.size(); ++i) {
    const ValueId id = planned.outputs[i];
    const Format format = graph_.value(id).type.format;
    const size_t size = TENWATT_TRY(storage_bytes(format, elements(shapes[i])));
    slot(id) =
        TENWATT_TRY(Tensor::wrap(format, shapes[i], frame->span().subspan(offset, size), frame));
    offset += round_up(size);
  }
  return {};
}

Status Program::Run::trim_outputs(const PlannedPartition& planned) {
  for (ValueId id : planned.outputs) {
    Tensor& tensor = slot(id);
    Shape shape = TENWATT_TRY(graph::bound_shape(graph_.value(id).type.shape, bindings_));
    if (shape == tensor.shape()) continue;
    const size_t size = TENWATT_TRY(storage_bytes(tensor.format(), elements(shape)));
    tensor = TENWATT_TRY(Tensor::wrap(tensor.format(), std::move(shape), tensor.bytes().first(size),
                                      tensor.owner()));
  }
  return {};
}

Status Program::Run::run_partition(const PlannedPartition& planned,
                                   devices::Executable& executable) {
  TENWATT_TRY(make_outputs(planned));
  const graph::Graph& part = planned.partition.graph;
  std::vector<ValueId> tapped;
  for (const std::string& name : options_.taps) {
    const auto id = part.find_value(name);
    if (id && part.value(*id).producer != kNoNode) tapped.push_back(*id);
  }
  devices::RunContext context;
  context.team = program_.options_.team.get();
  context.cancel = options_.cancel;
  context.slices = slices_;
  context.tapped = tapped;
  if (!tapped.empty()) {
    context.tap = [&](ValueId id, const Shape& shape, std::span<const std::byte> bytes) {
      auto tensor = Tensor::wrap(part.value(id).type.format, shape, bytes, nullptr);
      if (tensor && options_.tap) options_.tap(part.value(id).name, *tensor);
    };
  }
  devices::Device& device = *program_.plan_.options.devices[static_cast<size_t>(planned.device)];
  auto status = device.info().host_memory ? run_on_host(planned, executable, context)
                                          : run_on_device(planned, executable, device, context);
  if (!status) {
    if (status.error().code == ErrorCode::kCancelled) return status;
    return fail_in("device " + device.info().name, status.error());
  }
  return trim_outputs(planned);
}

Status Program::Run::run_on_host(const PlannedPartition& planned, devices::Executable& executable,
                                 const devices::RunContext& context) {
  std::vector<devices::HostBuffer> buffers;
  buffers.reserve(planned.inputs.size() + planned.outputs.size());
  std::vector<devices::Argument> inputs;
  std::vector<devices::Argument> outputs;
  for (ValueId id : planned.inputs) {
    Tensor& tensor = slot(id);
    buffers.emplace_back(tensor.mutable_bytes());  // devices only read inputs
    inputs.push_back({&buffers.back(), 0});
  }
  for (ValueId id : planned.outputs) {
    buffers.emplace_back(slot(id).mutable_bytes());
    outputs.push_back({&buffers.back(), 0});
  }
  return executable.run(bindings_, inputs, outputs, context);
}

Status Program::Run::run_on_device(const PlannedPartition& planned, devices::Executable& executable,
                                   devices::Device& device, const devices::RunContext& context) {
  std::vector<std::unique_ptr<devices::Buffer>> buffers;
  std::vector<devices::Argument> inputs;
  std::vector<devices::Argument> outputs;
  for (ValueId id : planned.inputs) {
    const Tensor& tensor = slot(id);
    buffers.push_back(TENWATT_TRY(device.allocate(tensor.bytes().size())));
    TENWATT_TRY(buffers.back()->write(0, tensor.bytes()));
    inputs.push_back({buffers.back().get(), 0});
  }
  for (ValueId id : planned.outputs) {
    buffers.push_back(TENWATT_TRY(device.allocate(slot(id).bytes().size())));
    outputs.push_back({buffers.back().get(), 0});
  }
  TENWATT_TRY(executable.run(bindings_, inputs, outputs, context));
  for (size_t i = 0; i < planned.outputs.size(); ++i) {
    TENWATT_TRY(outputs[i].buffer->read(0, slot(planned.outputs[i]).mutable_bytes()));
  }
  return {};
}

Status Program::Run::bind_after(int segment) {
  for (graph::SymbolId id : program_.plan_.bound_after[static_cast<size_t>(segment)]) {
    const Symbol& symbol = graph_.symbol(id);
    if (symbol.source->kind == Symbol::Source::Kind::kExtent) continue;  // the device bound it
    const Tensor& source = slot(symbol.source->value);
    const int64_t number = TENWATT_TRY(
        graph::dimension_element(source.format(), source.bytes(), symbol.source->index));
    TENWATT_TRY(graph::bind_symbol(graph_, id, number, bindings_));
  }
  return graph_.check_assumptions(bindings_);
}

Status Program::Run::commit() {
  // All new contents are made before any session changes, so a failure leaves no trace.
  std::vector<std::pair<size_t, Tensor>> contents;
  for (size_t i = 0; i < graph_.states.size(); ++i) {
    if (graph_.states[i].write == kNoValue) continue;
    contents.emplace_back(i, TENWATT_TRY(next_content(i)));
  }
  for (auto& [index, content] : contents) {
    batch_.slices.front().session->contents_[index] = std::move(content);
  }
  for (const Slice& slice : batch_.slices) slice.session->length_ += slice.rows;
  return {};
}

Result<Tensor> Program::Run::next_content(size_t index) {
  const State& state = graph_.states[index];
  const Tensor& written = slot(state.write);
  const Tensor& held = batch_.slices.front().session->contents_[index];
  const bool replaced = state.kind == StateKind::kValue;
  if (written.format() != held.format() || (replaced && written.shape() != held.shape())) {
    return fail(ErrorCode::kInternal, "the run wrote " + to_string(written.shape()) +
                                          " to the state " + state.name + " of " +
                                          to_string(held.shape()));
  }
  // A ring keeps the last rows of what it held followed by what this run wrote, which for a value
  // is all of it.
  Tensor next = TENWATT_TRY(Tensor::create(held.format(), held.shape()));
  const size_t size = held.bytes().size();
  const size_t fresh = std::min(size, written.bytes().size());
  std::memcpy(next.mutable_bytes().data(), held.bytes().data() + fresh, size - fresh);
  std::memcpy(next.mutable_bytes().data() + size - fresh,
              written.bytes().data() + written.bytes().size() - fresh, fresh);
  return next;
}

}  // namespace tenwatt::engine
