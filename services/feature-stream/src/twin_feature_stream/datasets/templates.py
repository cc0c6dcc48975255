"""The wordings of instructions that are written by rules."""

from twin_feature_stream.datasets.samples import Kind

RULES = "rules/1"
"""The version of the wordings and of the rules that choose them; a change makes other datasets."""

SECTION: dict[Kind, tuple[str, ...]] = {
    Kind.WRITE: (
        "Write the section “{topic}” of an article called “{title}”.",
        "Your article “{title}” has a part about {topic}. Write it.",
        "Write a few paragraphs on {topic} for “{title}”. Touch on {keywords}.",
        "For an article called “{title}”, write about {topic}, beginning with this thought: {lead}",
        "Draft the part on {topic}. It belongs to “{title}” and deals with {keywords}.",
        "Write about {topic} as you would for your readers.",
        "Write a passage in which {keywords} come up; the article is “{title}”.",
    ),
    Kind.CONTINUE: (
        "Continue this text:\n\n{before}",
        "Here is how it begins. Write what comes next.\n\n{before}",
        "Go on from here, in the same voice:\n\n{before}",
        "This is part of “{title}”. Write the next paragraphs.\n\n{before}",
        "{before}\n\nKeep writing.",
    ),
    Kind.OUTLINE: (
        "Turn this outline into prose:\n\n{outline}",
        "Rewrite these notes as a passage of “{title}”:\n\n{outline}",
        "Here are the points. Write them out in full.\n\n{outline}",
        "Write out the following notes on {topic}:\n\n{outline}",
        "Make paragraphs of these notes, in your own voice:\n\n{outline}",
    ),
    Kind.EXPLAIN: (
        "Explain {topic}.",
        "How would you explain {topic}?",
        "A reader of “{title}” asks about {topic}. Answer in your own words.",
        "What should somebody know about {topic}? Cover {keywords}.",
        "Explain {topic} to a colleague who is new to it.",
    ),
}
QUESTION = (
    "{topic}",
    "{topic} Answer as you would in “{title}”.",
    "Somebody asks you: {topic}",
)
"""Where the heading is a question already."""

POST: dict[Kind, tuple[str, ...]] = {
    Kind.WRITE: (
        "Write a post about {keywords}.",
        "Write a short post called “{title}”.",
        "Write a post that begins with this thought: {lead}",
        "Post something about {keywords} for people in your field.",
        "Draft a post for your followers. It is about {keywords}.",
    ),
    Kind.CONTINUE: (
        "Continue this post:\n\n{before}",
        "A post of yours begins like this. Finish it.\n\n{before}",
        "{before}\n\nWrite the rest of this post.",
    ),
    Kind.OUTLINE: (
        "Make a post of these notes:\n\n{outline}",
        "Write a post from this outline:\n\n{outline}",
    ),
    Kind.POST_FROM_ARTICLE: (
        "Write a post that tells people about your article “{article}”. It begins: {article_lead}",
        "You published “{article}”. Announce it in a post.",
        "Write a post for this article of yours.\n\n“{article}”\n\n{article_lead}",
    ),
    Kind.THREAD: (
        "Write a thread about {keywords}.",
        "Write a thread in numbered parts that begins with this thought: {lead}",
        "Explain {keywords} in a thread.",
    ),
}

CODE: dict[Kind, tuple[str, ...]] = {
    Kind.CODE_FROM_DOCSTRING: (
        "Write {name} in {language}. {description}",
        "Implement this in {language}: {description}",
        "Write a {language} function called {name} that does the following.\n\n{description}",
        "Here is a description; write the {language} code for it. Call it {name}.\n\n{description}",
    ),
    Kind.CONTINUE: (
        "Complete this {language} code:\n\n{before}",
        "Write the body of this:\n\n{before}",
        "Finish the implementation of {name}:\n\n{before}",
    ),
    Kind.WRITE: (
        "Write {name} in {language}.",
        "Write the function {name} of {title}.",
    ),
}

LANGUAGES = {
    "ar": "Arabic",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "hi": "Hindi",
    "hu": "Hungarian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sv": "Swedish",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "zh": "Chinese",
}
"""Instructions are in English; of a text in one of these languages they say in which."""
