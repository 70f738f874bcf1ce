#include "files/safetensors.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "files/byte_reader.h"
#include "files/json_file.h"
#include "files/tensor_bytes.h"

namespace tenwatt::files {
namespace {

constexpr uint64_t kMaxTable = uint64_t{100} << 20;
constexpr size_t kMaxRank = 8;
constexpr std::string_view kIndexEnding = ".json";
constexpr std::string_view kFileEnding = ".safetensors";

/// The container's words for types, and what one element takes.
struct Type {
  std::string_view name;
  uint32_t bytes;
  std::optional<Format> format;
};
constexpr Type kTypes[] = {
    {"F64", 8, Format::kF64},   {"F32", 4, Format::kF32}, {"F16", 2, Format::kF16},
    {"BF16", 2, Format::kBF16}, {"I64", 8, Format::kI64}, {"I32", 4, Format::kI32},
    {"I16", 2, Format::kI16},   {"I8", 1, Format::kI8},   {"U64", 8, Format::kU64},
    {"U32", 4, Format::kU32},   {"U16", 2, Format::kU16}, {"U8", 1, Format::kU8},
    {"BOOL", 1, Format::kBool}, {"F8_E4M3", 1, {}},       {"F8_E5M2", 1, {}},
};

std::unexpected<Error> corrupt(std::string message) {
  return fail(ErrorCode::kCorrupt, std::move(message),
              "the file may be damaged or cut short: download it again");
}

Result<const Type*> find_type(std::string_view name) {
  for (const Type& type : kTypes) {
    if (type.name == name) return &type;
  }
  return fail(ErrorCode::kUnsupported, "the unknown number format " + std::string(name));
}

/// One row of the table over the bytes that follow it.
Result<SafetensorsTensor> read_row(const std::string& name, const JsonView& json,
                                   std::span<const std::byte> data,
                                   const std::shared_ptr<const MappedFile>& mapping) {
  SafetensorsTensor row;
  row.name = name;
  row.type = TENWATT_TRY(json.text("dtype", ""));
  const Type* type = TENWATT_TRY(find_type(row.type));
  row.format = type->format;
  row.shape = TENWATT_TRY(json.integers("shape"));
  if (row.shape.size() > kMaxRank) {
    return corrupt(std::to_string(row.shape.size()) + " dimensions (at most 8)");
  }
  const auto count = static_cast<uint64_t>(TENWATT_TRY(checked_elements(row.shape)));
  const std::vector<int64_t> range = TENWATT_TRY(json.integers("data_offsets"));
  if (range.size() != 2 || range[0] < 0 || range[1] < range[0] ||
      static_cast<uint64_t>(range[1]) > data.size()) {
    return corrupt("its bytes lie outside the " + std::to_string(data.size()) + " of the file");
  }
  const auto size = static_cast<uint64_t>(range[1] - range[0]);
  if (size % type->bytes != 0 || size / type->bytes != count) {
    return corrupt(std::to_string(size) + " bytes for the shape " + to_string(row.shape) + " of " +
                   row.type);
  }
  row.bytes = data.subspan(static_cast<size_t>(range[0]), static_cast<size_t>(size));
  row.mapping = mapping;
  return row;
}

Status check_disjoint(std::span<const SafetensorsTensor> rows) {
  std::vector<const SafetensorsTensor*> order;
  for (const SafetensorsTensor& row : rows) {
    if (!row.bytes.empty()) order.push_back(&row);
  }
  std::ranges::sort(order, {}, [](const SafetensorsTensor* row) { return row->bytes.data(); });
  for (size_t i = 1; i < order.size(); ++i) {
    const auto& before = order[i - 1]->bytes;
    if (before.data() + before.size() <= order[i]->bytes.data()) continue;
    return corrupt("the tensors " + order[i - 1]->name + " and " + order[i]->name + " overlap");
  }
  return {};
}

Result<std::vector<SafetensorsTensor>> read_rows(const std::shared_ptr<const MappedFile>& mapping) {
  ByteReader in(mapping->bytes());
  const auto table_size = TENWATT_TRY(in.read<uint64_t>());
  if (table_size > kMaxTable || table_size > in.left()) {
    return corrupt("the first 8 bytes announce a table of " + std::to_string(table_size) +
                   " bytes, and the file has " + std::to_string(in.left()) + " more");
  }
  const nlohmann::json table =
      TENWATT_TRY(parse_json(TENWATT_TRY(in.text(table_size)), "the table of tensors"));
  const auto data = mapping->bytes().subspan(in.position());
  std::vector<SafetensorsTensor> rows;
  for (const auto& [name, json] : TENWATT_TRY(JsonView(table, "the table of tensors").members())) {
    if (name == "__metadata__") continue;
    auto row = read_row(name, json, data, mapping);
    if (!row) return fail_in("tensor " + name, std::move(row).error());
    rows.push_back(*std::move(row));
  }
  TENWATT_TRY(check_disjoint(rows));
  return rows;
}

Result<std::vector<SafetensorsTensor>> read_file(const std::string& path) {
  auto rows = read_rows(TENWATT_TRY(MappedFile::open(path)));
  if (!rows) return fail_in(path, std::move(rows).error());
  return rows;
}

/// Which tensor lies in which file of the folder.
struct Index {
  std::map<std::string, std::string> file_of;
  std::set<std::string> files;
};

bool is_plain_name(std::string_view name) {
  return name.ends_with(kFileEnding) && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

Result<Index> read_index(const std::string& path) {
  const nlohmann::json json = TENWATT_TRY(read_json(path));
  Index index;
  const JsonView map = TENWATT_TRY(JsonView(json, path).object("weight_map"));
  for (const auto& [tensor, file] : TENWATT_TRY(map.members())) {
    std::string name = TENWATT_TRY(file.as_text());
    if (!is_plain_name(name)) {
      return corrupt(path + ": tensor " + tensor + " lies in \"" + name +
                     "\", which is not the name of a .safetensors file in the model's folder");
    }
    index.files.insert(name);
    index.file_of.emplace(tensor, std::move(name));
  }
  if (index.files.empty()) return corrupt(path + " names no files");
  return index;
}

std::string beside(const std::string& path, const std::string& name) {
  return (std::filesystem::path(path).parent_path() / name).string();
}

/// The tensors of all files; each must be where the index says.
Result<std::vector<SafetensorsTensor>> read_all(const std::string& path) {
  const Index index = TENWATT_TRY(read_index(path));
  std::vector<SafetensorsTensor> all;
  for (const std::string& file : index.files) {
    auto rows = read_file(beside(path, file));
    if (!rows) {
      Error error = std::move(rows).error();
      if (error.code == ErrorCode::kNotFound) {
        error.remedy = "the model is in " + std::to_string(index.files.size()) +
                       " files: download all that " + path + " names";
      }
      return std::unexpected(std::move(error));
    }
    for (SafetensorsTensor& row : *rows) {
      const auto named = index.file_of.find(row.name);
      if (named != index.file_of.end() && named->second == file) all.push_back(std::move(row));
    }
  }
  if (all.size() == index.file_of.size()) return all;
  for (const auto& [tensor, file] : index.file_of) {
    if (std::ranges::find(all, tensor, &SafetensorsTensor::name) != all.end()) continue;
    return corrupt(path + ": tensor " + tensor + " is not in " + file);
  }
  return all;
}

}  // namespace

Result<Safetensors> read_safetensors(const std::string& path) {
  Safetensors found;
  found.tensors_ =
      path.ends_with(kIndexEnding) ? TENWATT_TRY(read_all(path)) : TENWATT_TRY(read_file(path));
  std::ranges::sort(found.tensors_, {}, &SafetensorsTensor::name);
  return found;
}

Result<std::vector<std::string>> safetensors_files(const std::string& path) {
  std::vector<std::string> files = {path};
  if (!path.ends_with(kIndexEnding)) return files;
  for (const std::string& file : TENWATT_TRY(read_index(path)).files) {
    files.push_back(beside(path, file));
  }
  return files;
}

const SafetensorsTensor* Safetensors::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(
      tensors_, name, {}, [](const SafetensorsTensor& row) { return std::string_view(row.name); });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

Result<Format> format_of(const SafetensorsTensor& row) {
  if (row.format) return *row.format;
  return fail(ErrorCode::kUnsupported, "tensor " + row.name + " is stored as " + row.type,
              "choose a model in F32, F16 or BF16");
}

Result<Tensor> Safetensors::tensor(std::string_view name) const {
  const SafetensorsTensor* row = find(name);
  if (row == nullptr) return fail(ErrorCode::kNotFound, "there is no tensor " + std::string(name));
  return tensor_from_bytes(TENWATT_TRY(format_of(*row)), row->shape, row->bytes, row->mapping);
}

}  // namespace tenwatt::files
