import unittest

from lint_test_case import LintTestCase

CONTRACT = """syntax = "proto3";

package shop.v1;

service Till {
  rpc Pay(stream Bill) returns (Bill);
}

enum Coin {
  COIN_UNSPECIFIED = 0;
  COIN_PENNY = 1;
}

message Bill {
  uint64 sum = 1;
  repeated Coin coins = 2;
}
"""


class ContractsTest(LintTestCase):
    def setUp(self):
        super().setUp()
        self.write("proto/shop/v1/till.proto", CONTRACT)
        self.assert_passes("contracts", "--write")

    def change(self, old, new):
        self.write("proto/shop/v1/till.proto", CONTRACT.replace(old, new))

    def test_accepts_what_was_released(self):
        self.assert_passes("contracts")

    def test_refuses_another_type_for_a_released_field(self):
        self.change("uint64 sum", "string sum")
        self.assert_fails("contracts", "shop.v1.Bill.sum was = 1 UINT64 and is = 1 STRING")

    def test_refuses_another_number_for_a_released_field(self):
        self.change("sum = 1", "sum = 3")
        self.assert_fails("contracts", "shop.v1.Bill.sum was = 1 UINT64 and is = 3 UINT64")

    def test_refuses_to_drop_a_released_value(self):
        self.change("  COIN_PENNY = 1;\n", "")
        self.assert_fails("contracts", "shop.v1.Coin.COIN_PENNY is gone")

    def test_refuses_another_shape_of_a_released_method(self):
        self.change("Pay(stream Bill)", "Pay(Bill)")
        self.assert_fails("contracts", "shop.v1.Till.Pay was (stream shop.v1.Bill) (shop.v1.Bill)")

    def test_wants_what_is_new_to_be_listed(self):
        self.change("  uint64 sum = 1;\n", "  uint64 sum = 1;\n  string shop = 3;\n")
        self.assert_fails("contracts", "shop.v1.Bill.shop is not listed")
        self.assert_passes("contracts", "--write")

    def test_write_never_changes_what_was_released(self):
        self.change("sum = 1", "sum = 3")
        self.run_check("contracts", "--write")
        self.assert_fails("contracts", "shop.v1.Bill.sum was = 1 UINT64 and is = 3 UINT64")

    def test_refuses_what_does_not_compile_or_warns(self):
        self.change("repeated Coin", "repeated Note")
        self.assert_fails("contracts", '"Note" is not defined')

    def test_refuses_another_format(self):
        self.change("  uint64 sum", "      uint64 sum")
        self.assert_fails("contracts", "is not formatted")


if __name__ == "__main__":
    unittest.main()
