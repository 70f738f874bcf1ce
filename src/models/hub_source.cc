#include "models/hub_source.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "files/json_file.h"
#include "files/safetensors.h"
#include "models/hub_config.h"
#include "models/hub_tokenizer.h"

namespace tenwatt::models {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTemplateKey = "tokenizer.chat_template";
constexpr std::string_view kFactorsName = "rope_freqs.weight";

/// Where a tensor of GGUF's name comes from.
struct Origin {
  const files::SafetensorsTensor* row = nullptr;  ///< none: computed
  HubChange change = HubChange::kNone;
};

/// GGUF's name of a hub's tensor, and how it changes; none for tensors without a place.
struct Place {
  std::string name;
  HubChange change = HubChange::kNone;
};

std::optional<Place> place_in_layer(std::string_view rest, const HubFamily& family) {
  const size_t dot = std::min(rest.find('.'), rest.size());
  int64_t layer = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + dot, layer);
  if (error != std::errc{} || end != rest.data() + dot || layer < 0 || dot == rest.size()) {
    return std::nullopt;
  }
  rest.remove_prefix(dot + 1);
  const size_t leaf = rest.rfind('.');
  if (leaf == std::string_view::npos) return std::nullopt;
  for (const HubModule& module : family.modules) {
    if (module.hub != rest.substr(0, leaf)) continue;
    return Place{"blk." + std::to_string(layer) + "." + std::string(module.gguf) +
                     std::string(rest.substr(leaf)),
                 module.change};
  }
  return std::nullopt;
}

std::optional<Place> place_of(std::string_view name, const HubFamily& family) {
  constexpr std::string_view kLayers = "model.layers.";
  if (name.starts_with(kLayers)) return place_in_layer(name.substr(kLayers.size()), family);
  if (name == "model.embed_tokens.weight") return Place{"token_embd.weight"};
  if (name == "model.norm.weight") return Place{"output_norm.weight", family.final_norm};
  if (name == "lm_head.weight") return Place{"output.weight"};
  return std::nullopt;
}

/// The rows of each head from [first halves, second halves] to pairs of neighbours.
Result<Tensor> interleave_heads(const Tensor& tensor, int64_t heads, const std::string& name) {
  const int64_t rows = tensor.shape().empty() ? 0 : tensor.shape()[0];
  if (rows < 2 || heads < 1 || rows % (2 * heads) != 0) {
    return fail(ErrorCode::kCorrupt, name + " has " + std::to_string(rows) +
                                         " rows, which are no pairs in " + std::to_string(heads) +
                                         " heads");
  }
  Tensor out = TENWATT_TRY(Tensor::create(tensor.format(), tensor.shape()));
  const size_t row_bytes = tensor.bytes().size() / static_cast<size_t>(rows);
  const auto half = static_cast<size_t>(rows / heads / 2);
  const std::byte* from = tensor.bytes().data();
  std::byte* to = out.mutable_bytes().data();
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
    const size_t head = row / (2 * half);
    const size_t pair = row % (2 * half) / 2;
    const size_t source = head * 2 * half + (row % 2) * half + pair;
    std::memcpy(to + row * row_bytes, from + source * row_bytes, row_bytes);
  }
  return out;
}

Result<Tensor> plus_one(const Tensor& tensor) {
  const Tensor given = TENWATT_TRY(tensor.to_f32());
  Tensor sum = TENWATT_TRY(Tensor::create(Format::kF32, given.shape()));
  std::ranges::transform(given.values<float>(), sum.mutable_values<float>().begin(),
                         [](float value) { return value + 1; });
  return sum;
}

class HubSource final : public ModelSource {
 public:
  HubSource(std::string folder, HubConfig config, files::Safetensors file)
      : folder_(std::move(folder)), config_(std::move(config)), file_(std::move(file)) {}

  Status place(const HubFamily& family) {
    std::map<std::string, Origin, std::less<>> found;
    for (const files::SafetensorsTensor& row : file_.tensors()) {
      std::optional<Place> place = place_of(row.name, family);
      if (!place || (config_.tied && place->name == "output.weight")) continue;
      found.emplace(std::move(place->name), Origin{&row, place->change});
    }
    if (config_.llama3_scaling) found[std::string(kFactorsName)] = {};
    for (const auto& [name, origin] : found) {
      if (origin.row == nullptr) {
        tensors_.push_back({name, {config_.head_dim / 2}, 0});
      } else {
        tensors_.push_back({name, origin.row->shape, origin.row->bytes.size()});
      }
    }
    origins_ = std::move(found);
    config_.values[std::string(kTemplateKey)] = TENWATT_TRY(read_hub_chat_template(folder_));
    config_.values["general.name"] = fs::path(folder_).filename().string();
    return {};
  }

  std::span<const SourceTensor> tensors() const override { return tensors_; }
  Result<Tensor> tensor(std::string_view name) const override;
  Result<text::TokenizerSpec> tokenizer() const override;

 protected:
  Result<std::optional<SourceValue>> value(std::string_view key) const override {
    const auto found = config_.values.find(key);
    if (found == config_.values.end()) return std::nullopt;
    return found->second;
  }

 private:
  std::string folder_;
  HubConfig config_;
  files::Safetensors file_;
  std::map<std::string, Origin, std::less<>> origins_;
  std::vector<SourceTensor> tensors_;
};

Result<Tensor> HubSource::tensor(std::string_view name) const {
  const auto found = origins_.find(name);
  if (found == origins_.end()) {
    return fail(ErrorCode::kNotFound, "there is no tensor for " + std::string(name));
  }
  const Origin& origin = found->second;
  if (origin.row == nullptr) {
    const auto factors =
        rotary_factors(*config_.llama3_scaling, config_.rope_base, config_.head_dim);
    return Tensor::of(std::span<const float>(factors), {config_.head_dim / 2});
  }
  Tensor tensor = TENWATT_TRY(file_.tensor(origin.row->name));
  if (info(tensor.format()).kind != FormatKind::kFloat) {
    return fail(ErrorCode::kUnsupported,
                "tensor " + origin.row->name + " is stored as " + origin.row->type,
                "choose a model in F32, F16 or BF16");
  }
  // Norms and biases are f32 in GGUF files, and the graphs count on it.
  if (tensor.rank() == 1) tensor = TENWATT_TRY(tensor.to_f32());
  if (origin.change == HubChange::kQueryRows) {
    return interleave_heads(tensor, config_.heads, origin.row->name);
  }
  if (origin.change == HubChange::kKeyRows) {
    return interleave_heads(tensor, config_.kv_heads, origin.row->name);
  }
  if (origin.change == HubChange::kAddOne) return plus_one(tensor);
  return tensor;
}

Result<text::TokenizerSpec> HubSource::tokenizer() const {
  const SourceTensor* table = find_tensor("token_embd.weight");
  if (table == nullptr || table->shape.empty()) {
    return fail(ErrorCode::kCorrupt, "there is no table model.embed_tokens.weight");
  }
  return read_hub_tokenizer(folder_, table->shape[0]);
}

std::string folder_of(const std::string& path) {
  std::error_code no_folder;
  if (fs::is_directory(path, no_folder)) return path;
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

}  // namespace

bool is_hub_model(const std::string& path) {
  std::error_code no_folder;
  return path.ends_with(".safetensors") || path.ends_with(".safetensors.index.json") ||
         fs::is_directory(path, no_folder);
}

Result<std::string> hub_tensor_file(const std::string& path) {
  const fs::path folder = folder_of(path);
  std::error_code absent;
  for (const char* name : {"model.safetensors.index.json", "model.safetensors"}) {
    if (fs::exists(folder / name, absent)) return (folder / name).string();
  }
  return fail(ErrorCode::kNotFound,
              folder.string() + " has neither model.safetensors nor model.safetensors.index.json",
              "name a GGUF file, or the folder of a model in safetensors");
}

Result<std::unique_ptr<ModelSource>> open_hub_source(const std::string& path) {
  const std::string folder = folder_of(path);
  const std::string file = TENWATT_TRY(hub_tensor_file(path));
  const std::string config_path = (fs::path(folder) / "config.json").string();
  const nlohmann::json json = TENWATT_TRY(files::read_json(config_path));
  const files::JsonView view(json, "config.json");
  const auto family = find_hub_family(view);
  if (!family) return fail_in(config_path, family.error());
  auto config = read_hub_config(view, **family);
  if (!config) return fail_in(config_path, std::move(config).error());
  auto source = std::make_unique<HubSource>(folder, *std::move(config),
                                            TENWATT_TRY(files::read_safetensors(file)));
  TENWATT_TRY(source->place(**family));
  return source;
}

}  // namespace tenwatt::models
