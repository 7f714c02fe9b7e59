#include "cli/output.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace nokv::cli {
namespace {

std::string Print(const OutputOptions& options, int rows = 2) {
  std::ostringstream out;
  RowWriter writer(out, options, {"key", "value", "expiry_ms"});
  if (rows > 0) writer.Row({Cell::Bytes("greeting"), Cell::Bytes("a,\"b\""), Cell::None()});
  if (rows > 1) writer.Row({Cell::Bytes("b"), Cell::Bytes("\xff"), Cell::Number(1700)});
  writer.Finish();
  return out.str();
}

TEST(OutputTest, PrintsEveryFormat) {
  EXPECT_EQ(Print({}), "KEY       VALUE   EXPIRY_MS\ngreeting  a,\"b\"\nb         hex:ff  1700\n");
  EXPECT_EQ(Print({.format = "json"}),
            "[\n  {\"key\":{\"utf8\":\"greeting\"},\"value\":{\"utf8\":\"a,\\\"b\\\"\"},"
            "\"expiry_ms\":null},\n"
            "  {\"key\":{\"utf8\":\"b\"},\"value\":{\"b64\":\"/w==\"},\"expiry_ms\":1700}\n]\n");
  EXPECT_EQ(Print({.format = "jsonl"}, 1),
            "{\"key\":{\"utf8\":\"greeting\"},\"value\":{\"utf8\":\"a,\\\"b\\\"\"},"
            "\"expiry_ms\":null}\n");
  EXPECT_EQ(Print({.format = "csv"}),
            "key,value,expiry_ms\ngreeting,\"a,\"\"b\"\"\",\nb,hex:ff,1700\n");
  EXPECT_EQ(Print({.format = "raw"}), "greeting\ta,\"b\"\t\nb\t\xff\t1700\n");
  EXPECT_EQ(Print({.json = true}), Print({.format = "json"}));
}

TEST(OutputTest, SortsByAColumn) {
  const auto sorted = [](const std::string& sort) {
    std::ostringstream out;
    RowWriter rows(out, {.format = "raw", .columns = "name", .sort = sort}, {"name", "size"});
    rows.Row({Cell::Text("ten"), Cell::Number(10)});
    rows.Row({Cell::Text("nine"), Cell::Number(9)});
    rows.Row({Cell::Text("none"), Cell::Text("100")});
    rows.Finish();
    return out.str();
  };
  EXPECT_EQ(sorted("name"), "nine\nnone\nten\n");
  EXPECT_EQ(sorted("size"), "nine\nten\nnone\n");  // also by one that is not shown
  EXPECT_EQ(sorted("-size"), "none\nten\nnine\n");
}

TEST(OutputTest, TheTextOfADocumentGivesWayToRowsThatAreAskedFor) {
  const auto print = [](const OutputOptions& options) {
    std::ostringstream out;
    PrintDocument(out, options, R"({"a": 1, "b": {"c": 0}})", "text\n");
    return out.str();
  };
  EXPECT_EQ(print({}), "text\n");
  EXPECT_EQ(print({.sort = "value"}), "NAME  VALUE\nb.c   0\na     1\n");
  EXPECT_EQ(print({.columns = "value"}), "VALUE\n1\n0\n");
}

TEST(OutputTest, PrintsNothingAsAnEmptyDocument) {
  EXPECT_EQ(Print({}, 0), "");
  EXPECT_EQ(Print({.format = "json"}, 0), "[]\n");
  EXPECT_EQ(Print({.format = "jsonl"}, 0), "");
  EXPECT_EQ(Print({.format = "csv"}, 0), "key,value,expiry_ms\n");
}

TEST(OutputTest, LeavesOutHeadersAndPicksColumns) {
  EXPECT_EQ(Print({.no_header = true, .columns = "value,key"}), "a,\"b\"   greeting\nhex:ff  b\n");
  EXPECT_EQ(Print({.format = "csv", .no_header = true, .columns = "key"}), "greeting\nb\n");
  EXPECT_EQ(Print({.format = "jsonl", .columns = "expiry_ms"}),
            "{\"expiry_ms\":null}\n{\"expiry_ms\":1700}\n");
}

TEST(OutputTest, PrintsMoreRowsThanItMeasures) {
  std::ostringstream out;
  RowWriter writer(out, {}, {"key", "value"});
  for (int i = 0; i < 1000; i++) writer.Row({Cell::Number(i), Cell::Text("x")});
  writer.Finish();
  EXPECT_TRUE(out.str().starts_with("KEY  VALUE\n0    x\n"));
  EXPECT_TRUE(out.str().ends_with("\n999  x\n"));
}

TEST(OutputTest, PrintsDocumentsAsRowsOfNamesAndValues) {
  const std::string json = R"({"a": {"b": 1, "c": [true, "x"]}, "d": null})";
  const auto print = [&](const OutputOptions& options) {
    std::ostringstream out;
    PrintDocument(out, options, json, "text\n");
    return out.str();
  };
  EXPECT_EQ(print({}), "text\n");
  EXPECT_EQ(print({.json = true}), json + "\n");
  EXPECT_EQ(print({.format = "jsonl"}), "{\"a\":{\"b\":1,\"c\":[true,\"x\"]},\"d\":null}\n");
  EXPECT_EQ(print({.format = "csv"}), "name,value\na.b,1\na.c.0,true\na.c.1,x\nd,null\n");
  EXPECT_EQ(print({.format = "raw", .columns = "value"}), "1\ntrue\nx\nnull\n");
}

TEST(OutputTest, RefusesColumnsThatThereAreNot) {
  OutputOptions options;
  FlagSet flags;
  DefineOutput(flags, &options, {"key", "value"});
  const Status status = flags.Parse({"--columns", "key,valeu"}, {});
  EXPECT_EQ(status.message(), "--columns \"valeu\" is not one of key,value");
  EXPECT_EQ(status.hint(), "did you mean value?");
}

}  // namespace
}  // namespace nokv::cli
