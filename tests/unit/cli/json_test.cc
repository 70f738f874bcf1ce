// What the writer writes is JSON that an independent parser reads back.
#include "cli/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace tenwatt::cli {
namespace {

TEST(JsonWriter, ReadsBackTheSame) {
  JsonWriter json;
  json.begin_object();
  json.member("text", "quote \" backslash \\ line\n tab\t bell\x07 umlaut \xc3\xa4");
  json.member("ids", std::vector<int>{1, -2, 3}).member("empty", std::vector<int>{});
  json.member("flags", std::vector<bool>{true, false});
  json.member("number", 0.1).member("tiny", 5e-324).member("big", uint64_t{1} << 63);
  json.key("list").begin_array().value(1).begin_object().end_object().null().end_array();
  json.end_object();
  const auto document = nlohmann::json::parse(json.text());
  EXPECT_EQ(document["text"], "quote \" backslash \\ line\n tab\t bell\x07 umlaut \xc3\xa4");
  EXPECT_EQ(document["ids"], (std::vector<int>{1, -2, 3}));
  EXPECT_TRUE(document["empty"].empty());
  EXPECT_EQ(document["flags"][1], false);
  EXPECT_EQ(document["number"], 0.1);
  EXPECT_EQ(document["tiny"], 5e-324);
  EXPECT_EQ(document["big"], uint64_t{1} << 63);
  EXPECT_EQ(document["list"].size(), 3u);
}

TEST(JsonWriter, WhatJsonCannotHoldBecomesNullOrReplacement) {
  JsonWriter json;
  json.begin_array();
  json.value(std::nan("")).value(std::numeric_limits<double>::infinity());
  for (const char* bytes : {"a\xff", "\xc3", "\xe2\x82", "\xed\xa0\x80", "\xf5\x80\x80\x80"}) {
    json.value(bytes);
  }
  json.end_array();
  const auto document = nlohmann::json::parse(json.text());
  EXPECT_TRUE(document[0].is_null());
  EXPECT_TRUE(document[1].is_null());
  EXPECT_EQ(document[2], "a\xef\xbf\xbd");
  EXPECT_EQ(document[3], "\xef\xbf\xbd");
}

}  // namespace
}  // namespace tenwatt::cli
