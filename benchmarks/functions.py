"""Functions as HumanEval asks for them, of our own making, with a wrong variant and inputs of each.

`SOURCE` is the module that holds the right ones, `WRONG` another body by name, `INPUTS` lists of
arguments by name. Small, pure, over numbers, texts and lists: what is timed is the harness.
"""

from __future__ import annotations

import ast
from typing import Any

SOURCE = '''\
def closest_pair(numbers):
    """Return the smallest distance of two elements; None with fewer than two."""
    ordered = sorted(numbers)
    return min((b - a for a, b in zip(ordered, ordered[1:])), default=None)


def balanced(text):
    """Tell whether round, square and curly brackets close in order."""
    pairs, opened = {")": "(", "]": "[", "}": "{"}, []
    for sign in text:
        if sign in pairs.values():
            opened.append(sign)
        elif sign in pairs and (not opened or opened.pop() != pairs[sign]):
            return False
    return not opened


def run_lengths(text):
    """Return [sign, length] of each run of equal signs."""
    runs = []
    for sign in text:
        if runs and runs[-1][0] == sign:
            runs[-1][1] += 1
        else:
            runs.append([sign, 1])
    return runs


def primes_below(limit):
    """Return the primes below a limit."""
    marked = [True] * max(limit, 2)
    for number in range(2, int(limit ** 0.5) + 1 if limit > 0 else 2):
        if marked[number]:
            for multiple in range(number * number, limit, number):
                marked[multiple] = False
    return [number for number in range(2, limit) if marked[number]]


def rotate(values, places):
    """Return the list rotated to the left."""
    if not values:
        return []
    cut = places % len(values)
    return values[cut:] + values[:cut]


def common_prefix(words):
    """Return the longest prefix of all words."""
    if not words:
        return ""
    first, last = min(words), max(words)
    length = 0
    while length < min(len(first), len(last)) and first[length] == last[length]:
        length += 1
    return first[:length]


def collatz_steps(number):
    """Return how many steps lead to one."""
    steps = 0
    while number > 1:
        number = 3 * number + 1 if number % 2 else number // 2
        steps += 1
    return steps


def transpose(rows):
    """Return columns as rows."""
    return [list(column) for column in zip(*rows)]


def vowels_last(text):
    """Return the text with its vowels behind the other signs, each in order."""
    return "".join(sorted(text, key=lambda sign: sign.lower() in "aeiou"))


def longest_rise(values):
    """Return the length of the longest strictly rising run."""
    best = length = 0
    for index, value in enumerate(values):
        length = length + 1 if index and value > values[index - 1] else 1
        best = max(best, length)
    return best
'''
WRONG = {
    "closest_pair": "return min((b - a for a, b in zip(numbers, numbers[1:])), default=None)",
    "balanced": 'return text.count("(") == text.count(")")',
    "run_lengths": "return [[sign, text.count(sign)] for sign in text]",
    "primes_below": "return [n for n in range(2, limit) if n % 2 or n == 2]",
    "rotate": "return values[places:] + values[:places]",
    "common_prefix": 'return words[0] if words else ""',
    "collatz_steps": "return number",
    "transpose": "return rows",
    "vowels_last": "return text[::-1]",
    "longest_rise": "return len(set(values))",
}
LISTS = [[3, 9, 4, 20], [1, 2, 3], [5], [], [7, 7, 1], [-4, 10, -5, 3, 8], [2, 1, 2, 3, 4, 0]]
TEXTS = ["", "a", "aab", "([]{})", "([)]", "((", "hello world", "Aeiou xyz", "zzzzyyx", "x(y)z]"]
INPUTS: dict[str, list[list[Any]]] = {
    "closest_pair": [[one] for one in LISTS],
    "balanced": [[one] for one in TEXTS],
    "run_lengths": [[one] for one in TEXTS],
    "primes_below": [[n] for n in (0, 1, 2, 3, 10, 30, 100, 500)],
    "rotate": [[one, n] for one in LISTS for n in (0, 1, 5)],
    "common_prefix": [[[]], [["abc"]], [["abc", "abd"]], [["x", "y"]], [["aa", "aaa", "a"]]],
    "collatz_steps": [[n] for n in (1, 2, 3, 7, 27, 97, 871)],
    "transpose": [[[]], [[[1, 2], [3, 4]]], [[[1, 2, 3]]], [[["a"], ["b"]]]],
    "vowels_last": [[one] for one in TEXTS],
    "longest_rise": [[one] for one in LISTS],
}


def answers() -> list[tuple[str, str, bool]]:
    """Return (function, code, whether it is right): each right, wrong, and one that raises."""
    found = []
    for node in ast.parse(SOURCE).body:
        if isinstance(node, ast.FunctionDef):
            right = ast.unparse(node)
            head = right.splitlines()[0]
            found += [
                (node.name, right, True), (node.name, f"{head}\n    {WRONG[node.name]}", False),
                (node.name, f"{head}\n    raise KeyError({node.name!r})", False),
            ]  # fmt: skip
    return found


def expected() -> dict[str, list[Any]]:
    """Return what the right functions give for their inputs."""
    space: dict[str, Any] = {}
    exec(SOURCE, space)
    return {name: [space[name](*given) for given in inputs] for name, inputs in INPUTS.items()}
