// Brings models of the public hub (or of the server that HF_ENDPOINT names) onto the shelf: asks
// what the repository holds, fetches the files of one commit, checks each against the digest that
// the hub states, and only then gives it its name. Parts of files stay for the next pull.
#pragma once

#include <string>

#include "base/result.h"
#include "store/http.h"
#include "store/hub_name.h"
#include "store/pull.h"

namespace tenwatt::store {

/// Where the hub is and how to speak to it.
struct HubAccess {
  std::string endpoint;  ///< without a slash at its end
  HttpSettings http;
};

/// From the variables that the hub's users know: HF_ENDPOINT, HF_TOKEN (else the file
/// HF_TOKEN_PATH, $HF_HOME/token or ~/.cache/huggingface/token), HF_HUB_DOWNLOAD_TIMEOUT (seconds
/// of standing still). A token goes to the endpoint and nowhere else.
HubAccess hub_access_from_environment();

/// Makes what `name` means present in the models folder, whose ShelfLock the caller holds. Files
/// that are there with the right digest are left alone; a branch that has moved on is followed.
/// kModelMissing: kOffline and something is missing. kCorrupt: the bytes have another digest than
/// the hub states. Otherwise the errors of choose_hub_files and HttpClient.
Status pull_from_hub(const std::string& models_folder, const HubName& name, const HubAccess& access,
                     const PullOptions& options);

}  // namespace tenwatt::store
