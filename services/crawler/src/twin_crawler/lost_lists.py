"""Puts back the lists and tables that a reading of a page lost between its paragraphs and another has. Pure.

Extractors that judge element by element take short items for links and labels. Between two paragraphs of the
article a list is the article's: paragraphs there are as often a plea or a teaser, and stay out.
"""

from collections import defaultdict

from twin_crawler.boilerplate import Block, split_blocks

_MOST_LINKED = 0.2
"""Of the words of a list; one with more leads elsewhere."""


def put_back_lists(text: str, other: str) -> str:
    """A reading with the lists and tables that another has between the same two of its blocks.

    Args:
        text: Markdown.
        other: another reading of the same page.
    """
    blocks = split_blocks(text)
    lost = _lost(blocks, split_blocks(other))
    return "\n\n".join(
        piece.markdown for place, block in enumerate(blocks) for piece in (block, *lost.get(place, ()))
    )


def _lost(blocks: list[Block], others: list[Block]) -> dict[int, list[Block]]:
    """What is to be put behind each block, by its place."""
    places = {_key(block): place for place, block in reversed(list(enumerate(blocks)))}
    everything = "\n".join(map(_key, blocks))
    lost: dict[int, list[Block]] = defaultdict(list)
    between: list[Block] = []
    last = -1
    for block in others:
        place = places.get(_key(block), -1)
        if place > last:
            if last >= 0 and place == last + 1:
                lost[last] += between
            last, between = place, []
        elif _is_list(block) and _key(block) not in everything:
            between.append(block)
    return lost


def _is_list(block: Block) -> bool:
    is_one = block.is_list or block.markdown.startswith("|")
    return is_one and bool(block.words) and block.link_share <= _MOST_LINKED


def _key(block: Block) -> str:
    return " ".join(block.words)
