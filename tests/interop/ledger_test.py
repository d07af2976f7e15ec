"""The ledger notices what can go wrong. Each test spoils a good account: two producers, two consumers, one killed."""

import unittest

from ledger import Ledger


def record(producer, number, deliveries=1, size=56, intact=1):
    return (producer, number, size, intact, deliveries, 0)


# Producer 1 was killed after 2 acknowledgements, 2 was not; b was killed with 2/0 written down but not released.
A = [record(1, 0), record(1, 2), record(2, 0, 2), record(2, 2)]
B = [record(1, 1), record(2, 0), record(2, 1)]


class LedgerTest(unittest.TestCase):
    def problems(self, first, second, redelivery=True, held=(), acknowledged=3):
        ledger = Ledger(redelivery)
        ledger.producer(1, 2, 56, uncertain=1)
        ledger.producer(2, acknowledged, 56)
        ledger.consumer("a", first)
        ledger.consumer("b", second)
        for message in held:
            ledger.holder(*message)
        return ledger.problems()

    def expect(self, text, *arguments, **options):
        problems = self.problems(*arguments, **options)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(text, problems[0])

    def test_a_good_account_is_accepted(self):
        self.assertEqual(self.problems(A, B), [])

    def test_a_message_that_a_killed_producer_could_not_report_may_be_missing(self):
        self.assertEqual(self.problems([A[0]] + A[2:], B), [])

    def test_a_lost_message_is_noticed(self):
        self.expect("1 messages of 2 are lost, the first is 2/2", A[:-1], B)

    def test_a_lost_message_of_a_killed_producer_is_noticed(self):
        self.expect("1 messages of 1 are lost, the first is 1/0", A[1:], B)

    def test_all_messages_of_a_producer_lost_is_noticed(self):
        self.expect("3 messages of 2 are lost", A[:2], B[:1])

    def test_an_unmarked_duplicate_is_noticed(self):
        self.expect("2/0 came 2 times, with deliveries [1, 1]", A[:2] + [record(2, 0), A[3]], B)

    def test_a_duplicate_without_deliveries_is_noticed(self):
        self.expect("2/2 came 2 times, with deliveries [1, 0]", A, B + [record(2, 2, deliveries=0)])

    def test_a_duplicate_marked_twice_the_same_is_noticed(self):
        self.expect("2/0 came 3 times, with deliveries [2, 2, 1]", A[:3] + [A[2]] + A[3:], B)

    def test_any_duplicate_is_noticed_where_nobody_was_killed(self):
        problems = self.problems(A, B, redelivery=False)
        self.assertIn("a received 2/0 with deliveries 2", problems)
        self.assertIn("2/0 came 2 times, with deliveries [2, 1]", problems)

    def test_wrong_order_is_noticed(self):
        self.expect("a received 1/0 after 1/2", [A[1], A[0]] + A[2:], B)

    def test_a_spoiled_message_is_noticed(self):
        self.expect("a received what nobody sent", A + [record(2, 3, intact=0)], B)

    def test_a_message_of_another_size_is_noticed(self):
        self.expect("a received what nobody sent", A + [record(2, 3, size=57)], B)

    def test_a_message_of_an_unknown_producer_is_noticed(self):
        self.expect("b received what nobody sent", A, B + [record(3, 0)])

    def test_a_message_that_was_not_acknowledged_is_noticed(self):
        self.expect("3 messages of 2 came, 2 were acknowledged", A, B, acknowledged=2)

    def test_a_number_far_beyond_what_was_sent_is_noticed(self):
        self.expect("which was not sent", A, B + [record(2, 10**12)])

    def test_more_unreported_messages_than_possible_are_noticed(self):
        self.expect("4 messages of 1 came, 2 were acknowledged", A, B + [record(1, 3)])

    def test_a_held_message_that_was_not_marked_is_noticed(self):
        self.expect("2/2 was held with deliveries 1 by a killed process, and came with deliveries [1]", A, B,
                    held=[(2, 2, 1)])

    def test_a_held_message_that_never_came_is_noticed(self):
        problems = self.problems(A[:-1], B, held=[(2, 2, 1)])
        self.assertIn("2/2 was held with deliveries 1 by a killed process, and came with deliveries []", problems)

    def test_a_held_message_that_came_again_is_accepted(self):
        self.assertEqual(self.problems(A[:-1] + [record(2, 2, 2)], B, held=[(2, 2, 1)]), [])

    def test_a_held_message_that_came_again_with_the_same_deliveries_is_noticed(self):
        self.expect("2/0 was held with deliveries 2", A, B, held=[(2, 0, 2)])


if __name__ == "__main__":
    unittest.main()
