#include "coordinator/holder.h"

#include <gtest/gtest.h>

namespace nokv::coordinator {
namespace {

TEST(HolderTest, IsReadAsItWasWritten) {
  const Holder holder{.id = "c1", .addr = "[::1]:2379", .incarnation = "5f3a21bc"};
  EXPECT_EQ(FormatHolder(holder), "c1@[::1]:2379#5f3a21bc");
  EXPECT_EQ(ParseHolder(FormatHolder(holder)), holder);
}

TEST(HolderTest, WhatLooksLikeNoneIsAnId) {
  for (const char* text : {"", "c1", "c1@somewhere", "c1#5", "c1#5@somewhere"}) {
    EXPECT_EQ(ParseHolder(text), Holder{.id = text}) << text;
  }
}

TEST(HolderTest, IdsArePlain) {
  for (const char* id : {"c1", "coord-1", "a.b_c", "7"}) EXPECT_TRUE(CheckCoordinatorId(id).ok());
  for (const std::string& id : {std::string(), std::string("c 1"), std::string("c@1"),
                                std::string("c#1"), std::string(65, 'c'), std::string("\n")}) {
    EXPECT_EQ(CheckCoordinatorId(id).code(), StatusCode::kInvalidArgument) << id;
  }
}

}  // namespace
}  // namespace nokv::coordinator
