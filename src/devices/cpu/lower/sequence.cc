// Operators on the tokens axis that need no state: embedding lookup and rotary embedding.
#include <cstring>

#include "devices/cpu/arena.h"
#include "devices/cpu/kernels/panels.h"
#include "devices/cpu/lower/lower.h"
#include "devices/cpu/lower/rotary_table.h"

namespace tenwatt::cpu {
namespace {

using graph::ValueId;

// ---- Embedding -------------------------------------------------------------------------------

/// Where the rows of a table come from: panels that a Linear shares, or the table itself.
struct TableRows {
  const std::byte* data = nullptr;
  std::optional<BlockFormat> block_panels;
  std::optional<FloatFormat> float_panels;
  Format format = Format::kF32;
  size_t row_bytes = 0;  ///< of a plain table
  int64_t rows = 0;
  int64_t width = 0;

  void read(int64_t row, std::span<float> out) const {
    if (block_panels) return unpack_block_row(*block_panels, data, row, out);
    if (float_panels) return unpack_float_row(*float_panels, data, row, out);
    info(format).decode({data + static_cast<size_t>(row) * row_bytes, row_bytes}, out);
  }
};

std::optional<TableRows> table_rows(const LowerInput& input) {
  const ValueId id = input.in(1);
  const Shape& shape = input.shape(id);
  if (!input.is_constant(id) || shape.size() != 2) return std::nullopt;
  TableRows table;
  table.format = input.format(id);
  table.rows = shape[0];
  table.width = shape[1];
  if (const std::byte* block = input.weights.find(id, Packing::kBlockPanels)) {
    table.data = block;
    table.block_panels = block_format(table.format);
  } else if (const std::byte* floats = input.weights.find(id, Packing::kFloatPanels)) {
    table.data = floats;
    table.float_panels = float_format(table.format);
  } else {
    const auto bytes = storage_bytes(table.format, table.width);
    table.data = input.weights.plain(id);
    if (!bytes || !table.data || !info(table.format).decode) return std::nullopt;
    table.row_bytes = *bytes;
  }
  return table;
}

template <class Index>
void look_up(const StepContext& context, const TableRows& table, ValueId ids, ValueId out,
             int64_t tokens) {
  const Index* id = context.at<const Index>(ids);
  if (context.is_first()) {
    for (int64_t i = 0; i < tokens; ++i) {
      if (id[i] < 0 || id[i] >= table.rows) {
        context.fail({ErrorCode::kOutOfRange,
                      "token " + std::to_string(id[i]) + " is not in a table of " +
                          std::to_string(table.rows),
                      {}});
        break;
      }
    }
  }
  const auto share = context.share(tokens);
  for (int64_t i = share.begin; i < share.end; ++i) {
    if (id[i] < 0 || id[i] >= table.rows) continue;  // reported by member 0
    table.read(static_cast<int64_t>(id[i]),
               {context.at<float>(out) + i * table.width, static_cast<size_t>(table.width)});
  }
}

Result<std::optional<Lowered>> lower_embedding(const LowerInput& input) {
  const auto table = table_rows(input);
  const Format index = input.in_format(0);
  if (!table || (index != Format::kI32 && index != Format::kI64)) return std::optional<Lowered>();
  const int64_t tokens = elements(input.in_shape(0));
  const ValueId ids = input.in(0);
  const ValueId out = input.out();
  const auto function = index == Format::kI32 ? look_up<int32_t> : look_up<int64_t>;
  Step step;
  step.kernel = "embedding " + std::string(info(table->format).name) +
                (table->row_bytes ? " rows" : " panels");
  step.crew = crew_for(tokens * table->width);
  step.run = [=, table = *table](StepContext& context) {
    function(context, table, ids, out, tokens);
  };
  Lowered lowered;
  lowered.reads = {ids};
  lowered.step = std::move(step);
  return lowered;
}

// ---- RotaryEmbedding -------------------------------------------------------------------------

std::optional<std::vector<float>> frequency_factors(const LowerInput& input) {
  if (!input.has(2)) return std::vector<float>();
  const auto& constant = input.graph.value(input.in(2)).constant;
  if (!constant) return std::nullopt;
  const auto f32 = constant->to_f32();
  if (!f32) return std::nullopt;
  const auto values = f32->values<float>();
  return std::vector<float>(values.begin(), values.end());
}

Result<std::optional<Lowered>> lower_rotary(const LowerInput& input) {
  const Shape& x = input.in_shape(0);
  const auto factors = frequency_factors(input);
  if (x.size() != 3 || !factors || input.in_format(0) != Format::kF32 ||
      input.in_format(1) != Format::kI32) {
    return std::optional<Lowered>();
  }
  int64_t rotary_dim = input.node.integer("rotary_dim", 0);
  if (rotary_dim == 0) rotary_dim = x[2];
  const bool sized = factors->empty() || static_cast<int64_t>(factors->size()) == rotary_dim / 2;
  if (rotary_dim < 0 || rotary_dim > x[2] || rotary_dim % 2 != 0 || !sized) {
    return fail(ErrorCode::kInvalidArgument, "rotary_dim " + std::to_string(rotary_dim) +
                                                 " does not fit heads of " + std::to_string(x[2]));
  }
  const auto table = RotaryTable::get(input.node.real("base", 10000.0f),
                                      input.node.real("scale", 1.0f), rotary_dim, *factors);
  const auto pairs =
      input.node.integer("interleaved", 0) ? RotaryPairs::kInterleaved : RotaryPairs::kHalf;
  const auto function = input.setup.kernels->rotary;
  const ValueId in = input.in(0);
  const ValueId positions = input.in(1);
  const ValueId out = input.out();
  Step step;
  step.kernel = std::string("rotary ") + input.setup.kernels->name;
  step.crew = crew_for_pure(elements(x));
  step.member_scratch = static_cast<size_t>(rotary_dim) * sizeof(float);
  step.run = [=, tokens = x[0], heads = x[1], width = x[2]](StepContext& context) {
    const auto share = context.share(tokens);
    const int64_t row_elements = heads * width;
    for (int64_t row = share.begin; row < share.end; ++row) {
      float* to = context.at<float>(out) + row * row_elements;
      std::memcpy(to, context.at<const float>(in) + row * row_elements,
                  static_cast<size_t>(row_elements) * sizeof(float));
      const float* cosines = table->row(context.at<const int32_t>(positions)[row],
                                        reinterpret_cast<float*>(context.member_scratch));
      function({to, heads, width, cosines, cosines + rotary_dim / 2, rotary_dim, pairs});
    }
  };
  Lowered lowered;
  lowered.reads = {in, positions};
  lowered.step = std::move(step);
  return lowered;
}

constexpr OperatorRow kRows[] = {
    {"Embedding", "embedding", lower_embedding},
    {"RotaryEmbedding", "rotary", lower_rotary},
};

}  // namespace

std::span<const OperatorRow> sequence_operators() { return kRows; }

}  // namespace tenwatt::cpu
