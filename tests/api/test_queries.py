"""Steps become a tree whatever order and depth they have."""

from types import SimpleNamespace
from uuid import UUID

from webapp.api.queries import DEEPEST, as_tree


def step(number, parent=None):
    return SimpleNamespace(id=UUID(int=number), parent_id=UUID(int=parent) if parent else None)


def numbers(nodes):
    return [(node.row.id.int, numbers(node.children)) for node in nodes]


def test_children_stand_under_their_parents_in_the_order_given():
    assert numbers(as_tree([step(1), step(2, 1), step(3, 2), step(4, 1), step(5)])) == [
        (1, [(2, [(3, [])]), (4, [])]),
        (5, []),
    ]


def test_a_step_whose_parent_never_came_stands_at_the_top():
    assert numbers(as_tree([step(2, 9), step(3, 2)])) == [(2, [(3, [])])]


def test_an_endless_chain_is_kept_whole_but_no_deeper_than_a_reader_can_follow():
    top = as_tree([step(number, number - 1) for number in range(1, 3001)])
    depth, count, level = 0, 0, top
    while level:
        depth, count = depth + 1, count + len(level)
        level = [child for node in level for child in node.children]
    assert (depth, count) == (DEEPEST, 3000)
