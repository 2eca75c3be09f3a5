"""What followed what, from hand-made trees of steps: ``name[begin-end]``, children indented below."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest

from webapp.domain.observed_edges import ATTACH, FLOW, LARGEST_DEPTH, NIL, Step, observe

BEGAN = datetime(2026, 11, 24, tzinfo=UTC)


def block(name):
    return NIL if name in ("START", "END") else uuid5(NIL, name)


def at(seconds):
    return BEGAN + timedelta(seconds=float(seconds))


def tree(text):
    """Steps of lines such as ``agent:writer 3-7``; ``3-`` still runs; a block is named by kind and name."""
    steps, above = [], []
    for line in text.strip("\n").splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        what, times = line.split()
        kind, name = what.split(":")
        begun, ended = times.split("-")
        parent = above[depth - 1].id if depth else None
        place = len(steps)
        step = Step(
            UUID(int=place + 1), parent, block(name), kind, name, at(begun), at(ended) if ended else None, place
        )
        above[depth:] = [step]
        steps.append(step)
    return steps


def edges(text):
    names = {block(step.name): step.name for step in tree(text)}
    found = {}
    for (source, target, kind), count in observe(tree(text)).items():
        left, right = names.get(source, "START"), names.get(target, "END")
        found[f"{left} {'>' if kind == FLOW else '@'} {right}"] = count
    return found


def once(*wanted):
    return dict.fromkeys(wanted, 1)


def test_one_after_the_other():
    assert edges("""
step:root 0-9
  step:a 0-2
  step:b 2-5
  step:c 6-9
""") == once("START > a", "a > b", "b > c", "c > END")


def test_parallel_steps_part_and_join():
    assert edges("""
step:root 0-9
  step:a 0-1
  step:b 1-3
  step:c 1-4
  step:d 2-4
  step:e 4-5
""") == once("START > a", "a > b", "a > c", "a > d", "b > e", "c > e", "d > e", "e > END")


def test_parallel_calls_of_one_block_count_each():
    assert edges("""
step:root 0-9
  step:a 0-1
  step:b 1-3
  step:b 1-4
  step:b 2-4
  step:c 4-5
""") == {"START > a": 1, "a > b": 3, "b > c": 3, "c > END": 1}


def test_two_waves_of_parallel_steps_are_each_followed_by_each():
    assert edges("""
step:root 0-9
  step:a 0-2
  step:b 0-1
  step:c 2-3
  step:d 2-4
""") == once("START > a", "START > b", "a > c", "a > d", "b > c", "b > d", "c > END", "d > END")


def test_a_loop_goes_back():
    assert edges("""
step:root 0-9
  step:a 0-1
  step:b 1-2
  step:a 2-3
  step:b 3-4
  step:a 4-5
""") == {"START > a": 1, "a > b": 2, "b > a": 2, "a > END": 1}


def test_a_retry_follows_itself():
    assert edges("""
step:root 0-9
  step:a 0-1
  step:a 1-2
  step:a 3-4
  step:b 4-5
""") == {"START > a": 1, "a > a": 2, "a > b": 1, "b > END": 1}


def test_overlapping_steps_do_not_follow_each_other():
    assert edges("""
step:root 0-9
  step:a 0-5
  step:b 4-8
  step:c 6-9
""") == once("START > a", "START > b", "a > c", "b > END", "c > END")


def test_one_that_ended_earlier_is_not_skipped_by_a_long_one_beside_it():
    assert edges("""
step:root 0-9
  step:long 0-6
  step:a 0-1
  step:b 1-2
  step:c 7-8
""") == once("START > long", "START > a", "a > b", "b > c", "long > c", "c > END")


def test_steps_without_duration_keep_their_order():
    assert edges("""
step:root 0-9
  step:a 1-1
  step:b 1-1
  step:c 1-1
  step:d 1-2
""") == once("START > a", "a > b", "b > c", "c > d", "d > END")


def test_what_still_runs_is_followed_by_nothing():
    assert edges("""
step:root 0-
  step:a 0-1
  step:b 1-
  step:c 2-3
""") == once("START > a", "a > b", "a > c", "b > END", "c > END")


@pytest.mark.parametrize("kind", ["step", "agent", "model_call", "tool"])
def test_a_root_alone_is_the_only_block(kind):
    assert edges(f"{kind}:root 0-9") == once("START > root", "root > END")


def test_nothing_has_no_edges():
    assert edges("") == {}


def test_helpers_serve_their_agent_and_are_no_steps_of_the_order():
    assert edges("""
step:root 0-9
  agent:reader 0-4
    model_call:gpt 0-1
    tool:search 1-2
    model_call:gpt 2-3
  agent:writer 4-9
    retrieval:docs 4-5
    embedding:small 4-5
""") == once(
        "START > reader", "reader > writer", "writer > END", "search @ reader", "docs @ writer", "small @ writer"
    ) | {"gpt @ reader": 2}


def test_helpers_right_under_the_root_are_steps_of_the_order():
    assert edges("""
step:root 0-9
  retrieval:docs 0-1
  model_call:gpt 1-2
  tool:send 2-3
""") == once("START > docs", "docs > gpt", "gpt > send", "send > END")


def test_an_agent_at_the_root_leads_into_its_steps():
    assert edges("""
agent:bot 0-9
  step:model 0-1
    model_call:gpt 0-1
  step:tools 1-2
    tool:search 1-2
  step:model 2-3
    model_call:gpt 2-3
""") == {"START > bot": 1, "bot > model": 1, "model > tools": 1, "tools > model": 1, "model > END": 1} | {
        "gpt @ model": 2,
        "search @ tools": 1,
    }


def test_an_agent_hands_over_to_agents_inside_it():
    assert edges("""
step:root 0-9
  agent:boss 0-7
    model_call:gpt 0-1
    agent:left 1-3
    agent:right 1-4
      tool:search 2-3
    agent:judge 5-6
  agent:after 8-9
""") == once(
        "START > boss", "gpt @ boss", "boss > left", "boss > right", "left > judge", "right > judge", "search @ right",
        "judge > after", "after > END",
    )  # fmt: skip


def test_an_agent_used_as_a_tool_is_reached_from_the_agent_that_called_it():
    assert edges("""
agent:planner 0-9
  model_call:gpt 0-1
  tool:ask_weather 1-5
    agent:weather 2-4
      tool:get_weather 3-4
  model_call:gpt 5-6
""") == once(
        "START > planner", "planner > weather", "weather > END", "ask_weather @ planner", "get_weather @ weather"
    ) | {"gpt @ planner": 2}


def test_inner_work_of_an_agent_among_others_serves_it():
    assert edges("""
step:root 0-9
  step:same 0-9
    agent:triage 0-4
      step:turn 0-4
        model_call:gpt 0-1
    agent:expert 4-9
      step:turn 4-6
      step:turn 6-9
        tool:search 7-8
""") == once("START > triage", "triage > expert", "expert > END", "turn @ triage", "gpt @ turn", "search @ turn") | {
        "turn @ expert": 2
    }


def test_groups_around_agents_are_no_blocks():
    assert edges("""
step:root 0-9
  step:research_step 0-4
    agent:researcher 0-4
  step:write_step 5-9
    step:inner 5-9
      agent:writer 5-8
""") == once("START > researcher", "researcher > writer", "writer > END")


def test_a_group_that_is_alone_or_repeats_a_name_gives_way_to_its_steps():
    alone = """
step:POST 0-9
  step:pipeline 0-9
    step:load 0-2
    step:save 2-4
"""
    repeated = """
agent:fan_out 0-9
  step:fan_out 0-8
    step:load 0-2
    step:save 2-4
  step:close 8-9
"""
    assert edges(alone) == once("START > load", "load > save", "save > END")
    assert edges(repeated) == once("START > fan_out", "fan_out > load", "load > save", "save > close", "close > END")


def test_steps_inside_a_step_without_agents_serve_it():
    assert edges("""
step:ReAct 0-9
  step:Predict 0-3
    step:Adapter 0-3
      model_call:LM 1-2
        step:completion 1-2
  tool:search 3-4
  step:Predict 4-6
""") == once(
        "START > Predict", "Predict > search", "search > Predict", "Predict > END", "Adapter @ Predict", "LM @ Adapter",
        "completion @ LM",
    )  # fmt: skip


def test_several_tops_of_a_trace_without_its_root():
    assert edges("""
step:a 0-1
agent:b 1-2
model_call:c 2-3
""") == once("START > a", "a > b", "b > c", "c > END")


def test_the_order_in_which_steps_come_changes_nothing():
    text = """
agent:boss 0-7
  step:a 0-2
    model_call:gpt 0-1
  agent:left 1-3
  agent:right 1-4
    tool:search 2-3
  agent:judge 5-6
"""
    expected = observe(tree(text))
    for seed in range(5):
        steps = tree(text)
        random.Random(seed).shuffle(steps)
        assert observe(steps) == expected


def test_a_step_that_is_not_known_as_a_block_is_passed_through():
    steps = tree("""
step:root 0-9
  step:a 0-1
  step:b 1-2
  step:c 2-3
""")
    steps[2].block_id = None
    assert observe(steps) == {
        (NIL, block("a"), FLOW): 1, (block("a"), block("c"), FLOW): 1, (block("c"), NIL, FLOW): 1,
    }  # fmt: skip


def test_parents_in_a_ring_end():
    steps = tree("step:a 0-1\nstep:b 1-2")
    steps[0].parent_id, steps[1].parent_id = steps[1].id, steps[0].id
    assert observe(steps)[(block("a"), NIL, FLOW)] + observe(steps)[(block("b"), NIL, FLOW)] == 1


def test_agents_nested_very_deep_are_bounded():
    lines = [f"{'  ' * depth}agent:a{depth} {depth}-{9000 - depth}" for depth in range(2000)]
    found = observe(tree("\n".join(lines)))
    assert sum(kind == FLOW for _, _, kind in found) == LARGEST_DEPTH + 3
    assert sum(kind == ATTACH for _, _, kind in found) == 2000 - LARGEST_DEPTH - 2


def test_two_thousand_parallel_steps_take_no_time(benchmark=None):
    waves = [f"  step:w{wave}_{n % 7} {wave * 10}-{wave * 10 + 5 + n / 1000}" for wave in range(2) for n in range(1000)]
    found = observe(tree("step:root 0-99\n" + "\n".join(waves)))
    assert sum(found.values()) == 1000 + 1000 * 1000 + 1000


def brute_force(items):
    """Follow the sentence in the docstring word by word: n³."""
    found = {}
    for place, (begun, _) in enumerate(items):
        before = [k for k, (_, end) in enumerate(items) if k < place and end <= begun]
        direct = [k for k in before if not any(m != k and k < m and items[m][0] >= items[k][1] for m in before)]
        for source in direct or ["START"]:
            found[(source, place)] = 1
    followed = {source for source, _ in found}
    return found | {(place, "END"): 1 for place in range(len(items)) if place not in followed}


@pytest.mark.parametrize("seed", range(40))
def test_random_levels_equal_the_rule_word_by_word(seed):
    rng = random.Random(seed)
    items = sorted((begun, begun + rng.choice([0, 0, 1, 2, 5])) for begun in (rng.randint(0, 9) for _ in range(12)))
    lines = [f"  step:s{place} {begun}-{end}" for place, (begun, end) in enumerate(items)]
    names = {
        f"{a if isinstance(a, str) else f's{a}'} > {b if isinstance(b, str) else f's{b}'}"
        for a, b in brute_force(items)
    }
    assert edges("step:root 0-99\n" + "\n".join(lines)).keys() == names
