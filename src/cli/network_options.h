// Options of the verbs that take any ONNX graph: its inputs and their shapes.
#pragma once

#include <map>
#include <string>

#include "cli/verb.h"
#include "tenwatt/network.h"

namespace tenwatt::cli {

inline constexpr OptionSpec kInputOption = {
    .name = "input",
    .letter = 'i',
    .type = OptionType::kList,
    .value_name = "NAME=FILE.npy|NUMBERS",
    .help = "an input: a file, a number (sr=16000) or a list (1,2,3); once for each"};
inline constexpr OptionSpec kShapeOption = {.name = "shape",
                                            .type = OptionType::kList,
                                            .value_name = "NAME=1,80,3000",
                                            .help = "fixes the shape of an input"};

/// The graph of that name or path, with --shape.
Result<std::shared_ptr<Network>> open_network(const Invocation& invocation,
                                              const std::string& name_or_path);
/// What --input gives; kUsage for a text without a value.
Result<std::map<std::string, Array>> network_inputs(const Invocation& invocation,
                                                    const Network& network);

}  // namespace tenwatt::cli
