"""The story of the shop's releases 1.4.0 and 1.4.1, told by what people do.

Each chapter is a function; it waits for what its people would see and lets them act on it. `Story` keeps
what later chapters and the checks have to know.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from deployments.demo.people import Person
from deployments.demo.waiting import eventually
from integrations.sandbox.shop import changes

GIFT = "Let me have my order wrapped as a gift"
GIFT_AGAIN = "Gift wrapping for orders"
SALES = "Draw the sales of the week"
SEARCH = "Search in the catalogue"
RETURN_REASON = "Searching for “teapot” finds nothing: it tells capitals from small letters."
DEFER_REASON = "after the gift wrapping is out"
REMOVAL_REASON = "the lawyers have to look at that licence first"
LOCK_REASON = "the accounts of the month are being closed"
UNFREEZE_REASON = "no customer can open the cart"


PLANNED = ("gift", "search", "sales")
"""What the review takes into the release."""


@dataclass
class Story:
    """Who acts, and what has come of it so far."""

    people: dict[str, Person]
    tell: Callable[[str], None]
    conveyor: Callable[..., None]
    """Type `conveyor` with these words; a refusal ends the story."""
    keys: dict[str, str] = field(default_factory=dict[str, str])

    def __getitem__(self, slug: str) -> Person:
        return self.people[slug]


def client_asks(story: Story) -> None:
    """Before Conveyor is even up: a client files an issue, and a manager another."""
    story.keys["gift"] = story["clara"].file_issue(
        GIFT, "I buy presents here. Please offer to wrap the order as a gift in the cart.", ["request"]
    )
    story.tell(f"Clara (client) files {story.keys['gift']} in Jira: “{GIFT}”")
    story.keys["sales"] = story["mara"].file_issue(
        SALES, "For the Monday meeting: one chart of what was sold on which day.", ["request"]
    )
    story.tell(f"Mara (manager) files {story.keys['sales']}: “{SALES}”")


def others_ask(story: Story) -> None:
    """Two more requests through two more doors; one wish stands there twice."""
    story["dora"].file_gitlab_issue(SEARCH, "Customers ask for a search box on the first page.", "request")
    story.tell(f"Dora (developer) opens a GitLab issue: “{SEARCH}”")
    story["gerd"].command(
        "planning",
        "/request",
        f"{GIFT_AGAIN} | Customers want to have an order wrapped as a gift in the cart.",
    )
    story.tell(f"Gerd (management) types /request in Slack: “{GIFT_AGAIN}”")
    story.keys["search"] = story["mara"].find_issue(SEARCH)
    story.keys["again"] = story["mara"].find_issue(GIFT_AGAIN)
    story.tell(f"They are {story.keys['search']} and {story.keys['again']} in Jira now")


def duplicates_are_merged(story: Story) -> None:
    """A person merges; the score alone never does."""
    story["mara"].press("request.merge", f"Merge into {story.keys['gift']}")
    story["mara"].wait_for_status(story.keys["again"], "Closed")
    story.tell(f"Mara (manager) merges {story.keys['again']} into {story.keys['gift']}")


def review(story: Story) -> None:
    """The weekly review accepts three, defers what else it proposes, and is closed.

    On a Friday its schedule starts it.
    """
    story["emil"].estimate(story.keys["gift"], 1)
    story["emil"].estimate(story.keys["sales"], 1)
    story["dora"].estimate(story.keys["search"], 1)
    story.tell("The developers estimate each at one point")
    story.conveyor("review", "start", "--project", "shop")
    mara, olli, keys = story["mara"], story["olli"], story.keys
    mara.sees("Weekly review")
    story.tell("The weekly review stands in #planning")
    accepted = [keys[name] for name in PLANNED]
    for key in accepted:
        mara.press("review.accept", key)
    story.keys["deferred"] = _defer_the_rest(story)
    story.tell(f"Mara accepts {', '.join(accepted)}; Olli (release) defers {keys['deferred']}")
    olli.press("review.close")
    olli.sees("1.4.0: Planned")
    story.tell("Olli closes the review: release 1.4.0 is planned")


def _defer_the_rest(story: Story) -> str:
    """Whatever else is proposed for this release is put off by a person; the keys, at least one."""
    olli, deferred = story["olli"], list[str]()
    kept = {story.keys[name] for name in PLANNED}
    while line := next(olli.lines_to_defer({*kept, *deferred}), None):
        olli.press("review.defer", line)
        olli.submit("review.defer", {"reason": DEFER_REASON})
        deferred.append(line)
    return ", ".join(deferred)


def development(story: Story) -> None:
    """Three branches, three merge requests, three pipelines side by side; Jira follows by itself."""
    work = (("emil", "gift", "gift-wrap"), ("dora", "search", "search"), ("emil", "sales", "foreign-licence"))
    opened = [_open(story, slug, story.keys[name], change, "main") for slug, name, change in work]
    for (slug, name, _), iid in zip(work, opened, strict=True):
        _merge(story, slug, story.keys[name], iid)


def _develop(story: Story, slug: str, key: str, change_id: str, target: str) -> None:
    _merge(story, slug, key, _open(story, slug, key, change_id, target))


def _open(story: Story, slug: str, key: str, change_id: str, target: str) -> int:
    person, change = story[slug], changes.CHANGES[change_id]
    branch = f"{key}-{change_id}"
    person.branch(branch, target)
    person.push(f"{key} {change.message}", lambda copy: changes.apply(change_id, copy))
    iid = person.open_merge_request(branch, target, f"{key} {change.title}")
    story.tell(f"{person.name} opens !{iid} “{key} {change.title}” into {target}")
    return iid


def _merge(story: Story, slug: str, key: str, iid: int) -> None:
    person = story[slug]
    person.wait_for_status(key, "Code Review")
    person.merge_when_green(iid)
    person.wait_for_status(key, "QA")
    story.tell(f"!{iid} is green and merged; {key} is in QA")


def rejected(story: Story) -> None:
    """A gate refuses the first candidate; what it found is taken out of the release, main keeps it."""
    olli, sales = story["olli"], story.keys["sales"]
    told = str(olli.sees("1.4.0-rc.1 was rejected", within_s=120)["blocks"][0]["text"]["text"])
    why = re.search(r"• (.+) \(<(.+)\|evidence>\)", told)
    assert why, f"the reason and the way to the evidence are not told: {told}"
    story.tell(f"1.4.0-rc.1 is rejected by a gate: {why[1]}; see {why[2]}")
    story.conveyor("release", "remove", "1.4.0", sales, "--reason", REMOVAL_REASON, "--as", "olli")
    story.tell(f"Olli asks to take {sales} out: {REMOVAL_REASON}")
    for slug in ("mara", "olli"):
        story[slug].press("scope.approve")
    story.tell("Mara and Olli approve: its merge is reverted on release/1.4.0")


def first_candidate(story: Story) -> None:
    """QA approves one issue and returns the other."""
    quinn, keys = story["quinn"], story.keys
    asked = quinn.sees("Rehearsed: back to", within_s=120)
    back = re.search(r"back to `(\S+)` in (\S+ s), forward in (\S+ s)", str(asked))
    assert back, "the message to QA does not say how long the rehearsal took"
    story.tell(f"1.4.0-rc.2 is on staging; it went back to {back[1]} in {back[2]} and forward in {back[3]}")
    quinn.press("signoff.approve", keys["gift"])
    story.tell(f"Quinn (QA) approves {keys['gift']}")
    quinn.press("signoff.return", keys["search"])
    quinn.submit("signoff.return", {"reason": RETURN_REASON})
    story["dora"].wait_for_status(keys["search"], "In Progress")
    story.tell(f"… and returns {keys['search']}: {RETURN_REASON}")


def rework(story: Story) -> None:
    """The fix goes into the release branch; the author may not sign it off."""
    dora, quinn, keys = story["dora"], story["quinn"], story.keys
    _develop(story, "dora", keys["search"], "search-fix", "release/1.4.0")
    # While the candidate's jobs run.
    story.conveyor("env", "lock", "production", "--reason", LOCK_REASON, "--as", "olli")
    story.tell(f"Meanwhile Olli locks production: {LOCK_REASON}")
    dora.sees("1.4.0-rc.3", within_s=120)
    dora.press("signoff.approve", keys["search"], within_s=120)
    dora.sees("you wrote part of candidate 3")
    story.tell(f"1.4.0-rc.3 is on staging. Dora tries to approve her own {keys['search']}: privately refused")
    quinn.press("signoff.approve", keys["search"])
    story.tell(
        f"Quinn signs {keys['search']}; her sign-off of {keys['gift']} was kept, its files are the same"
    )


def approvals(story: Story) -> None:
    """The manager looks at staging, the client agrees by a signed link, management approves."""
    mara, clara, gerd = story["mara"], story["clara"], story["gerd"]
    mara.sees("Awaiting manager", within_s=120)
    mara.press("signoff.approve", "Manager", within_s=120)
    story.tell("Mara looks at staging and approves")
    message = mara.sees("decides on", within_s=120)
    address = _link(message)
    page = clara.open_page(address)
    assert GIFT in page, "the client's page does not name what she asked for"
    clara.send_form(address, {"verb": "approve", "comment": ""})
    story.tell("Clara opens her signed link, sees what is new, and agrees")
    # Whoever is quicker than the release can lie down leaves no trace of its waiting.
    gerd.sees("Awaiting approval", within_s=120)
    gerd.press("signoff.approve", "Management", within_s=120)
    story.tell(f"Gerd approves for management, and 1.4.0 stands: {_stands(story['olli'], 'is locked by')}")
    story.conveyor("env", "unlock", "production", "--as", "olli")
    story.tell("Olli unlocks production")


def _stands(person: Person, why: str) -> str:
    """What the release waits for, as its message says once that is for the reason `why`."""
    message = person.sees(why, within_s=120)
    texts = [str(e.get("text", "")) for block in message["blocks"] for e in block.get("elements", [])]
    return next(text for text in texts if why in text)


def _link(message: dict[str, object]) -> str:
    found = re.search(r"https?://[^|>\s\"']+/decide/[^|>\s\"'}]+", str(message))
    if found is None:
        raise AssertionError("no link in the message")
    return found[0]


def rolled_back(story: Story) -> None:
    """The fault shows in production only; the watch sees it and the old version comes back."""
    story["olli"].sees("1.4.0 is live", within_s=120)
    story.tell(f"1.4.0 is live. Its button “Roll back” says: {story['olli'].warned('release.rollback')}")
    story["olli"].sees("was rolled back to 1.3.0", within_s=120)
    story["olli"].wait_for_status(story.keys["gift"], "Waiting Release")
    story.keys["incident"] = story["olli"].find_issue("was rolled back to 1.3.0")
    story.tell(f"The watch saw /cart fail: rolled back to 1.3.0, incident {story.keys['incident']}")


def hotfix(story: Story) -> None:
    """The fix goes out alone, by the shorter list of steps."""
    keys = story.keys
    emil, olli = story["emil"], story["olli"]
    start = ("release", "start", "1.4.1", "--project", "shop", "--hotfix-of", "1.4.0")
    story.conveyor(*start, "--issues", keys["incident"], "--as", "olli")
    eventually("the branch release/1.4.1", lambda: emil.branch_exists("release/1.4.1"), 60)
    story.tell("Olli starts hotfix 1.4.1 from tag 1.4.0")
    now = datetime.now(UTC)
    olli.freeze(now - timedelta(hours=1), now + timedelta(days=1))
    story.tell("… and sets a freeze period in GitLab: nothing else goes to production until tomorrow")
    _develop(story, "emil", keys["incident"], "fault-fix", "release/1.4.1")
    quinn = story["quinn"]
    for key in (keys["gift"], keys["search"], keys["incident"]):
        quinn.press("signoff.approve", key, within_s=120)
    story.tell("Quinn signs the hotfix")
    story["gerd"].sees("Awaiting approval", within_s=120)
    story["gerd"].press("signoff.approve", "Management", within_s=120)
    story.tell(f"Gerd approves, and 1.4.1 stands: {_stands(olli, 'frozen: ')}")
    story.conveyor("release", "unfreeze", "1.4.1", "--reason", UNFREEZE_REASON, "--as", "olli")
    story.tell(f"Olli (release) lets it out in the freeze: {UNFREEZE_REASON}")
    olli.sees("1.4.1 (hotfix) is live", within_s=120)
    story.tell("1.4.1 is live")
    olli.sees("the watch ended healthy", within_s=120)
    story.tell("The watch ended healthy")


def feedback(story: Story) -> None:
    """Those who asked are asked, and answer."""
    clara, gift = story["clara"], story.keys["gift"]
    story["gerd"].press("feedback.solved", gift, within_s=120)
    story["dora"].press("feedback.partly", story.keys["search"], within_s=120)
    asked = eventually("Clara is asked on her issue", lambda: clara.comment_with(gift, "/decide/"), 60)
    clara.send_form(_link({"comment": asked}), {"verb": "solved", "comment": "The ribbon is lovely."})
    story.tell("Gerd and Clara answer “solved”, Dora “partly”")
    story["olli"].sees("1.4.1 (hotfix) is closed", within_s=180)
    story.tell("Release 1.4.1 is closed")
