from collections import Counter
from itertools import pairwise

import pytest

from pocketbench.bench.measure.schedule import block_order, williams_rows


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7])
def test_each_variant_follows_each_other_one_equally_often(count):
    follows = Counter(pair for row in williams_rows(count) for pair in pairwise(row))

    assert len(follows) == count * (count - 1)
    assert len(set(follows.values())) == 1


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_each_variant_stands_in_each_place_equally_often(count):
    for place in range(count):
        places = Counter(row[place] for row in williams_rows(count))
        assert len(places) == count
        assert len(set(places.values())) == 1


def test_two_variants_are_balanced_after_every_second_block():
    orders = [block_order(["a", "b"], block, seed=7) for block in range(20)]

    for first, second in zip(orders[::2], orders[1::2], strict=True):
        assert {first, second} == {("a", "b"), ("b", "a")}


def test_the_order_is_the_same_for_the_same_seed_and_differs_between_seeds():
    def orders(seed):
        return [block_order(["a", "b", "c"], block, seed) for block in range(12)]

    assert orders(1) == orders(1)
    assert orders(1) != orders(2)


def test_one_variant_has_one_order():
    assert block_order(["only"], 3, seed=0) == ("only",)
