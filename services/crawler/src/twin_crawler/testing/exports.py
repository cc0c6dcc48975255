"""Account exports as the platforms make them, small: what each holds is written beside it.

Where each structure was learnt stands in the module of the format, in `twin_crawler.archives`.
"""

import csv
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Members = Mapping[str, str | bytes]
TWEETED = "Sat Feb 18 12:33:11 +0000 2023"


def write_zip(path: Path, members: Members, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """An archive of members in their order."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return path


def write_folder(root: Path, members: Members) -> Path:
    """The same archive, unpacked."""
    for name, body in members.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return root


def table(header: str, *rows: tuple[str, ...]) -> str:
    """CSV with a header."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header.split(","), *rows])
    return text.getvalue()


def tweet(number: int, text: str, **fields: Any) -> dict[str, Any]:
    """An entry of tweets.js."""
    base = {
        "edit_info": {"initial": {"editTweetIds": [str(number)], "isEditEligible": False}},
        "retweeted": False,
        "entities": {"hashtags": [], "symbols": [], "user_mentions": [], "urls": []},
        "id_str": str(number),
        "truncated": False,
        "id": str(number),
        "created_at": TWEETED,
        "full_text": text,
        "lang": "en",
    }
    return {"tweet": base | fields}


def replying(to: int, user: str = "42", name: str = "ada") -> dict[str, Any]:
    """The fields of a tweet that answers another."""
    return {
        "in_reply_to_status_id_str": str(to),
        "in_reply_to_status_id": str(to),
        "in_reply_to_user_id_str": user,
        "in_reply_to_user_id": user,
        "in_reply_to_screen_name": name,
    }


def assignment(name: str, records: list[Any], part: int = 0) -> str:
    """A file of X's archive."""
    return f"window.YTD.{name}.part{part} = {json.dumps(records, indent=2, ensure_ascii=False)}"


X_ACCOUNT = assignment(
    "account",
    [
        {
            "account": {
                "username": "ada",
                "accountId": "42",
                "accountDisplayName": "Ada Stone",
                "email": "a@b.c",
            }
        }
    ],
)


def x_export(*tweets: dict[str, Any]) -> dict[str, str | bytes]:
    """The files of an archive that matter, and some that must not."""
    return {
        "data/account.js": X_ACCOUNT,
        "data/deleted-tweets.js": assignment("deleted_tweets", [tweet(9, "deleted words")]),
        "data/tweet-headers.js": assignment("tweet_headers", [{"tweet": {"tweet_id": "1"}}]),
        "data/tweets.js": assignment("tweets", list(tweets)),
        "data/tweets_media/1-a.jpg": b"\xff\xd8\xff",
    }


def medium_post(
    title: str,
    body: str,
    slug: str = "a-text-1a2b3c4d5e6f",
    published: str | None = "2021-03-04T05:06:07.008Z",
) -> str:
    """A page of Medium's export; without a date it is a draft."""
    link = f"https://medium.com/@ada/{slug}"
    date = (
        f'<p>By <a href="https://medium.com/@ada" class="p-author h-card">Ada Stone</a> on '
        f'<a href="{link}"><time class="dt-published" datetime="{published}">March 4, 2021</time></a>.</p>'
        f'<p><a href="{link}" class="p-canonical">Canonical link</a></p>'
    )
    return (
        '<!DOCTYPE html><html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
        f"<title>{title}</title><style>* {{ font-family: Georgia; }}</style></head><body>"
        f'<article class="h-entry"><header><h1 class="p-name">{title}</h1></header>'
        f'<section data-field="subtitle" class="p-summary">A subtitle</section>'
        '<section data-field="body" class="e-content"><section name="a1" class="section section--body">'
        '<div class="section-divider"><hr class="section-divider"></div><div class="section-content">'
        f'<div class="section-inner sectionLayout--insetColumn">{body}</div></div></section></section>'
        f"<footer>{date if published else ''}<p>Exported from <a href='https://medium.com'>Medium</a>.</p>"
        "</footer></article></body></html>"
    )


def medium_headline(title: str) -> str:
    """How a title stands in a text of Medium, where it stands a second time."""
    return f'<h3 name="t1" id="t1" class="graf graf--h3 graf--leading graf--title">{title}</h3>'


SUBSTACK_COLUMNS = (
    "post_id,post_date,is_published,email_sent_at,inbox_sent_at,type,audience,title,subtitle,podcast_url"
)
SUBSTACK_BUTTON = (
    '<div class="subscription-widget-wrap"><form class="subscription-widget-subscribe">'
    '<p>Thanks for reading!</p></form></div><p class="button-wrapper"><a class="button primary" '
    'href="https://ada.substack.com/subscribe?utm_source=post"><span>Subscribe now</span></a></p>'
)


def substack_row(
    post_id: str, title: str = "A post", published: str = "true", **cells: str
) -> tuple[str, ...]:
    """A row of posts.csv."""
    row = dict.fromkeys(SUBSTACK_COLUMNS.split(","), "")
    row |= {"post_id": post_id, "title": title, "is_published": published, "type": "newsletter"}
    row |= {"post_date": "2024-03-01T08:00:00.000Z", "audience": "everyone", "subtitle": "Below"}
    return tuple((row | cells).values())


LINKEDIN_COLUMNS = "Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility"


def linkedin_row(
    number: int, text: str, shared: str = "", date: str = "2024-05-06 07:08:09"
) -> tuple[str, ...]:
    """A row of Shares.csv; line breaks as the export writes them."""
    link = f"https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A{number}"
    return (date, link, text.replace("\n", '"\n"'), shared, "", "MEMBER_NETWORK")


def linkedin_article(title: str, body: str, published: str = "2017-05-29 15:40") -> str:
    """A page of the export's Articles folder; without a date it is a draft."""
    link = f"https://www.linkedin.com/pulse/{title.lower().replace(' ', '-')}-ada-stone"
    dated = f'<p class="published">Published on {published}</p>' if published else ""
    return (
        f"<html><head><title>{title}</title><style>body {{ margin: 0 }}</style></head><body>"
        f'<img src="https://media.licdn.com/x.jpg" alt=""/><h1><a href="{link}">{title}</a></h1>'
        f'<p class="created">Created on 2017-05-29 15:13</p>{dated}<div>{body}</div></body></html>'
    )
