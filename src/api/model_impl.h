// What the public Model holds.
#pragma once

#include <memory>

#include "api/runtime_impl.h"
#include "tenwatt/model.h"
#include "thinking/conversation.h"
#include "thinking/language_engine.h"

namespace tenwatt {

struct Model::Impl {
  std::shared_ptr<Runtime> runtime;
  std::shared_ptr<const thinking::LanguageEngine> engine;
  ModelFacts facts;
};

decoding::GenerateOptions to_decoding(const GenerateOptions& options);
/// The public spelling of why an answer ended.
std::string stop_name(decoding::StopReason reason);

}  // namespace tenwatt
