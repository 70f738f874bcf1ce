// Symbolic shapes of single operators, and what inference knows of small integer tensors.
#include "graph/ops/infer.h"

#include <gtest/gtest.h>

#include "graph/ir/builder.h"
#include "graph/ops/schema.h"
#include "graph/reference/reference.h"

namespace tenwatt::graph {
namespace {

TEST(Schemas, EveryOperatorHasARowAndAReferenceKernel) {
  for (const std::string_view op : reference_operators()) EXPECT_TRUE(find_schema(op)) << op;
  for (const Schema* schema : all_schemas()) {
    // Dropout is only ever removed.
    if (schema->op == "Dropout") continue;
    EXPECT_TRUE(reference_kernel(schema->op)) << schema->op;
  }
}

class Infer : public testing::Test {
 protected:
  Graph graph_;
  Builder b_{graph_};
  SymbolId n_ = graph_.add_symbol("n", {1, 1000});
  SymbolId m_ = graph_.add_symbol("m", {1, 1000});
  Dim n = Dim::symbol(n_);
  Dim m = Dim::symbol(m_);

  ValueId x(Dims shape, Format format = Format::kF32) {
    return b_.input("", format, std::move(shape));
  }
  ValueId numbers(std::initializer_list<int64_t> values) {
    return b_.constant("", Tensor::of(values, {static_cast<int64_t>(values.size())}));
  }
  ValueId number(int64_t value) { return b_.constant("", Tensor::scalar(value)); }
  ValueId extent(ValueId of, int64_t axis) {
    return b_.node("Gather", "extent", {b_.node("Shape", "shape", {of}), number(axis)});
  }
  const Dims& shape(ValueId id) {
    EXPECT_NE(id, kNoValue) << b_.finish().error().message;
    return graph_.value(id).type.shape;
  }
  const Dims& known(ValueId id) {
    EXPECT_TRUE(graph_.value(id).known);
    return *graph_.value(id).known;
  }
};

TEST_F(Infer, ConvolutionsAreFloorsOfTheirExtents) {
  const ValueId weight = b_.constant("w", Tensor::create(Format::kF32, {8, 4, 3}).value());
  const ValueId y = b_.conv1d("conv", x({1, 4, n}), weight, kNoValue, {.stride = 2, .padding = 1});
  EXPECT_EQ(shape(y), (Dims{1, 8, Dim::floor_div(n + 1, 2)}));
  const ValueId back = b_.node(
      "ConvTranspose", "up", {y, b_.constant("u", Tensor::create(Format::kF32, {8, 4, 4}).value())},
      {{"strides", std::vector<int64_t>{2}}, {"pads", std::vector<int64_t>{1, 1}}});
  EXPECT_EQ(shape(back), (Dims{1, 4, Dim::floor_div(n + 1, 2) * 2}));
}

TEST_F(Infer, ReshapeDividesWhatIsLeft) {
  EXPECT_EQ(shape(b_.node("Reshape", "r", {x({2, n, 6}), numbers({0, -1, 3})})),
            (Dims{2, n * 2, 3}));
  // [T, 2T] -> T * 2T -> +T-1 -> [T+1, 2T-1], the relative attention of VITS.
  const ValueId flat = b_.node("Reshape", "flat", {x({n, n * 2}), numbers({-1})});
  const ValueId padded = b_.node("Pad", "pad", {flat, b_.dims("pads", {Dim(0), n - 1})});
  EXPECT_EQ(shape(b_.reshape("skewed", padded, {n + 1, n * 2 - 1})), (Dims{n + 1, n * 2 - 1}));
  EXPECT_TRUE(graph_.assumptions.empty());
}

TEST_F(Infer, SliceClampsByRanges) {
  const ValueId from = x({n + 8});
  EXPECT_EQ(shape(b_.slice("head", from, 0, Dim(2), Dim(5))), (Dims{3}));
  EXPECT_EQ(shape(b_.slice("tail", from, 0, Dim(-3), Dim(int64_t{1} << 40))), (Dims{3}));
  EXPECT_EQ(shape(b_.slice("rest", from, 0, Dim(2), Dim(-1))), (Dims{n + 5}));
  EXPECT_EQ(shape(b_.slice("symbolic", from, 0, n, n + 4)), (Dims{4}));
  EXPECT_EQ(shape(b_.slice("empty", from, 0, Dim(6), Dim(2))), (Dims{0}));
  const ValueId reversed =
      b_.node("Slice", "reversed",
              {from, numbers({-1}), numbers({INT64_MIN}), numbers({0}), numbers({-1})});
  EXPECT_EQ(shape(reversed), (Dims{n + 8}));
  const ValueId every_other = b_.node(
      "Slice", "even", {from, numbers({0}), numbers({INT64_MAX}), numbers({0}), numbers({2})});
  EXPECT_EQ(shape(every_other), (Dims{Dim::floor_div(n + 9, 2)}));
}

TEST_F(Infer, SliceWithoutAnOrderIsDecidedByItsNode) {
  const ValueId cut = b_.slice("cut", x({n}), 0, Dim(0), m);
  ASSERT_EQ(shape(cut).size(), 1u);
  const SymbolId symbol = shape(cut)[0].symbols().at(0);
  const auto& source = graph_.symbol(symbol).source;
  ASSERT_TRUE(source);
  EXPECT_EQ(source->kind, Symbol::Source::Kind::kExtent);
  EXPECT_EQ(source->value, cut);
  EXPECT_EQ(graph_.symbol(symbol).bounds, (Range{0, 1000}));
}

TEST_F(Infer, SmallIntegersAreKnownThroughArithmetic) {
  const ValueId a = extent(x({n, 3}), 0);
  EXPECT_EQ(known(a), (Dims{n}));
  const ValueId doubled = b_.mul("doubled", a, number(2));
  const ValueId pair =
      b_.concat("pair",
                {b_.node("Unsqueeze", "u", {b_.sub("less", doubled, number(1)), numbers({0})}),
                 numbers({-1})},
                0);
  EXPECT_EQ(known(pair), (Dims{n * 2 - 1, -1}));
  const ValueId half = b_.node("Div", "half", {a, number(2)});
  EXPECT_EQ(known(half), (Dims{Dim::floor_div(n, 2)}));
  EXPECT_EQ(known(b_.node("Size", "size", {x({n, 3})})), (Dims{n * 3}));
  EXPECT_EQ(known(b_.node("Max", "max", {a, number(1)})), (Dims{n}));
  EXPECT_FALSE(graph_.value(b_.node("Max", "open", {a, number(7)})).known);
  EXPECT_EQ(known(b_.node("Equal", "never", {a, number(-1)})), (Dims{0}));
  const ValueId pads =
      b_.node("Reshape", "matrix", {b_.dims("four", {1, n, 2, m}), numbers({2, 2})});
  EXPECT_EQ(known(b_.transpose("turned", pads, {1, 0})), (Dims{1, 2, n, m}));
}

TEST_F(Infer, OneValueThatBecomesAnExtentTwiceIsOneSymbol) {
  const ValueId lengths = x({}, Format::kI64);
  const ValueId first = b_.node("Range", "first", {number(0), lengths, number(1)});
  const ValueId shaped =
      b_.concat("shape", {b_.node("Unsqueeze", "u", {lengths, numbers({0})}), numbers({4})}, 0);
  const ValueId second = b_.node("ConstantOfShape", "second", {shaped});
  EXPECT_EQ(shape(first)[0], shape(second)[0]);
  const auto& source = graph_.symbol(shape(first)[0].symbols().at(0)).source;
  ASSERT_TRUE(source);
  EXPECT_EQ(source->kind, Symbol::Source::Kind::kElement);
  EXPECT_EQ(source->value, lengths);
  // A second inference finds the same symbols.
  ASSERT_TRUE(b_.finish());
  const size_t symbols = graph_.symbols().size();
  ASSERT_TRUE(infer_shapes(graph_));
  EXPECT_EQ(graph_.symbols().size(), symbols);
}

TEST_F(Infer, NonZeroDecidesItsExtentWithinTheElementCount) {
  const ValueId found = b_.node("NonZero", "found", {x({4, n}, Format::kBool)});
  EXPECT_EQ(shape(found)[0], Dim(2));
  const auto symbol = shape(found)[1].symbols().at(0);
  EXPECT_EQ(graph_.symbol(symbol).bounds, (Range{0, 4000}));
  EXPECT_EQ(graph_.symbol(symbol).source->index, 1);
}

TEST_F(Infer, ExtentsThatMustAgreeAreAssumedAndChecked) {
  EXPECT_EQ(shape(b_.add("sum", x({n, 3}), x({m, 3}))), (Dims{n, 3}));
  ASSERT_EQ(graph_.assumptions.size(), 1u);
  EXPECT_TRUE(graph_.check_assumptions({5, 5}));
  EXPECT_TRUE(graph_.check_assumptions({5, std::nullopt}));
  const auto broken = graph_.check_assumptions({5, 6});
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message, "Add 'sum' needs n = m, but they are 5 and 6");
}

TEST_F(Infer, ErrorsNameNodeOperatorAndShapes) {
  b_.node("MatMul", "product", {x({2, 3}), x({4, 5})});
  const auto status = b_.finish();
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("MatMul 'product'"), std::string::npos);
  EXPECT_NE(status.error().message.find("[2, 3]"), std::string::npos);
}

TEST_F(Infer, UnknownOperatorsAreRefusedByName) {
  b_.node("Fancy", "node", {x({2})});
  ASSERT_TRUE(b_.failed());
  EXPECT_EQ(b_.finish().error().code, ErrorCode::kUnsupported);
}

TEST_F(Infer, SequenceOperatorsKeepTheTokensAxis) {
  const ValueId table = b_.constant("table", Tensor::create(Format::kF32, {100, 64}).value());
  const ValueId ids = x({n}, Format::kI32);
  const ValueId rows = b_.embedding("rows", ids, table);
  EXPECT_EQ(shape(rows), (Dims{n, 64}));
  const ValueId weight = b_.constant("w", Tensor::create(Format::kQ4_1, {96, 64}).value());
  const ValueId q = b_.reshape("q", b_.linear("projected", rows, weight), {n, 6, 16});
  EXPECT_EQ(shape(b_.rotary("turned", q, ids, {})), (Dims{n, 6, 16}));
  EXPECT_EQ(shape(b_.cross_attention("seen", q, x({30, 6, 16}), x({30, 6, 8}), 0.25f)),
            (Dims{n, 6, 8}));
}

}  // namespace
}  // namespace tenwatt::graph
