// Redirects are followed here and not by libcurl, so that it is plain to see where the token goes
// and so that headers of every hop can be read.
#include "store/http_exchange.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <mutex>
#include <string_view>

namespace tenwatt::store {
namespace {

constexpr int kMaxRedirects = 8;
constexpr long kConnectSeconds = 20;
constexpr long kMinimumBytesPerSecond = 1024;

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Handle = std::unique_ptr<CURL, CurlDeleter>;
using Address = std::unique_ptr<CURLU, CurlDeleter>;
using HeaderList = std::unique_ptr<curl_slist, CurlDeleter>;

// One hop: the state that libcurl's callbacks work on.
struct Hop {
  const HttpRequest* request = nullptr;
  HttpReply reply;
  std::string linked_etag;
  Status status;
  bool replied = false;
  bool has_body() const { return reply.status == 200 || reply.status == 206; }
};

Address parse(const std::string& url) {
  Address address(curl_url());
  if (address && curl_url_set(address.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    address.reset();
  }
  return address;
}

std::string part_of(const Address& address, CURLUPart part, unsigned int flags = 0) {
  char* text = nullptr;
  if (!address || curl_url_get(address.get(), part, &text, flags) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

// Scheme, host and port, in lower case; empty for what is no address.
std::string origin_of(const std::string& url) {
  const Address address = parse(url);
  std::string origin = part_of(address, CURLUPART_SCHEME) + "://" +
                       part_of(address, CURLUPART_HOST) + ":" +
                       part_of(address, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  std::ranges::transform(origin, origin.begin(), [](unsigned char c) { return std::tolower(c); });
  return address ? origin : std::string();
}

std::string redirected(const std::string& from, const std::string& location) {
  const Address address = parse(from);
  if (!address || curl_url_set(address.get(), CURLUPART_URL, location.c_str(), 0) != CURLUE_OK) {
    return {};
  }
  return part_of(address, CURLUPART_URL);
}

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// "W/" (weak) and quotes don't belong to the name of a version.
std::string plain_etag(std::string_view text) {
  if (text.starts_with("W/")) text.remove_prefix(2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  return std::string(text);
}

void read_header(Hop& hop, std::string name, std::string_view value) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  HttpReply& reply = hop.reply;
  if (name == "etag") reply.etag = plain_etag(value);
  if (name == "x-linked-etag") hop.linked_etag = plain_etag(value);
  if (name == "content-length") reply.length = number(value);
  if (name == "content-range" && value.starts_with("bytes ")) {
    reply.range_first = number(value.substr(6));
  }
  if (name == "location") reply.location = value;
  if (name == "x-error-code") reply.error_code = value;
  if (name == "x-error-message") reply.error_message = value.substr(0, 300);
  if (name == "retry-after") {
    // A date instead of seconds is left to the usual pause.
    if (const auto seconds = number(value)) {
      reply.retry_after = std::chrono::seconds(std::min<uint64_t>(*seconds, 3600));
    }
  }
}

size_t on_header(const char* data, size_t, size_t count, void* user) {
  Hop& hop = *static_cast<Hop*>(user);
  const std::string_view line(data, count);
  if (line.starts_with("HTTP/")) {
    // A new head: an interim answer (100) may have come before.
    hop.reply = {};
    const size_t space = line.find(' ');
    if (space != std::string_view::npos) {
      hop.reply.status = static_cast<long>(number(line.substr(space + 1)).value_or(0));
    }
    return count;
  }
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    read_header(hop, std::string(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  }
  return count;
}

// Tells the caller of the answer, once.
Status begin_body(Hop& hop) {
  if (hop.replied) return {};
  hop.replied = true;
  if (!hop.linked_etag.empty()) hop.reply.etag = hop.linked_etag;
  return hop.request->on_reply ? hop.request->on_reply(hop.reply) : Status{};
}

size_t on_body(const char* data, size_t, size_t count, void* user) {
  Hop& hop = *static_cast<Hop*>(user);
  if (!hop.has_body()) return 0;  // an error page or a redirect's text, perhaps endless
  hop.status = begin_body(hop);
  if (hop.status) hop.status = hop.request->on_bytes(std::as_bytes(std::span(data, count)));
  return hop.status ? count : 0;
}

int on_tick(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto* cancel = static_cast<const Hop*>(user)->request->cancel;
  return cancel != nullptr && cancel->load() ? 1 : 0;
}

// Whether trying the same again is of use, and what else is.
std::unexpected<Error> transport_failure(CURLcode code, const std::string& url,
                                         const std::string& detail) {
  const std::string host = part_of(parse(url), CURLUPART_HOST);
  const std::string message =
      "can't fetch from " + host + ": " + (detail.empty() ? curl_easy_strerror(code) : detail);
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return fail(ErrorCode::kUnsupported, message, "HF_ENDPOINT must be an http(s) address");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return fail(ErrorCode::kUnsupported, message,
                  "check the clock and the certificates (apt-get install ca-certificates)");
    case CURLE_OUT_OF_MEMORY:
      return fail(ErrorCode::kOutOfMemory, message);
    default:
      return fail(ErrorCode::kNetwork, message,
                  "check the network and run the same command again: it goes on where it stopped");
  }
}

void set_up(CURL* handle, Hop& hop, const std::string& url, char* detail) {
  const HttpRequest& request = *hop.request;
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(handle, option, value); };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_USERAGENT, "tenwatt");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_ERRORBUFFER, detail);
  set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  set(CURLOPT_LOW_SPEED_LIMIT, kMinimumBytesPerSecond);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall.count()));
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, &hop);
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_WRITEDATA, &hop);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &on_tick);
  set(CURLOPT_XFERINFODATA, &hop);
  if (request.first_byte > 0) {
    set(CURLOPT_RANGE, (std::to_string(request.first_byte) + "-").c_str());
  }
}

// One request without redirects.
Status perform(Hop& hop, const std::string& url) {
  const HttpRequest& request = *hop.request;
  const Handle handle(curl_easy_init());
  if (!handle) return fail(ErrorCode::kOutOfMemory, "no memory for a download");
  char detail[CURL_ERROR_SIZE] = {};
  set_up(handle.get(), hop, url, detail);
  HeaderList headers;
  if (!request.token.empty() && origin_of(url) == origin_of(request.token_url)) {
    headers.reset(curl_slist_append(nullptr, ("Authorization: Bearer " + request.token).c_str()));
    curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
  }
  const CURLcode code = curl_easy_perform(handle.get());
  if (!hop.status) return hop.status;
  if (code == CURLE_ABORTED_BY_CALLBACK) return fail(ErrorCode::kCancelled, "cancelled");
  const bool dropped = code == CURLE_WRITE_ERROR && !hop.has_body();
  if (code != CURLE_OK && !dropped) return transport_failure(code, url, detail);
  return hop.has_body() ? begin_body(hop) : Status{};
}

bool is_redirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

Result<HttpReply> http_get(const HttpRequest& request) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  std::string url = request.url;
  std::string linked_etag;
  for (int redirects = 0; redirects <= kMaxRedirects; ++redirects) {
    Hop hop{.request = &request, .reply = {}, .linked_etag = linked_etag, .status = {}};
    TENWATT_TRY(perform(hop, url));
    if (!is_redirect(hop.reply.status)) return hop.reply;
    linked_etag = hop.linked_etag;
    const std::string next = redirected(url, hop.reply.location);
    if (next.empty() || (url.starts_with("https:") && !next.starts_with("https:"))) {
      return fail(ErrorCode::kUnsupported, "refused the redirect to \"" + next + "\"",
                  "the server must redirect to an address that is as safe as its own");
    }
    url = next;
  }
  return fail(ErrorCode::kUnsupported, "more than 8 redirects from " + request.url,
              "check HF_ENDPOINT");
}

std::string encode_path(std::string_view path) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "-._~/";
  std::string text;
  for (const char c : path) {
    const bool alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (alphanumeric || kPlain.find(c) != std::string_view::npos) {
      text += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    text += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

}  // namespace tenwatt::store
