"""What can be wrong in git, on GitLab and in the shop."""

from __future__ import annotations

from dataclasses import replace

from integrations.sandbox.gitlab.state import MergeRequest
from tests.demo.breaking import Act, breaks, named, point, project, store
from tests.demo.ending import BACK, GIFT, INCIDENT, OUT, SEARCH
from tests.demo.world import TITLES, World


@breaks("git.tags")
def a_candidate_too_many_is_tagged(world: World) -> None:
    world.tag("1.4.0-rc.4", "main")


@breaks(
    "git.tags", "git.rework-follows", "git.gift-untouched", "git.search-reworked", "ledger.carried",
    "ledger.candidates", "gitlab.pipelines.1.4.0-rc.2", "gitlab.staging",
)  # fmt: skip
def the_first_candidate_s_tag_is_deleted(world: World) -> None:
    world.on_gitlab("DELETE", "/repository/tags/1.4.0-rc.2")


@breaks("git.tag.1.4.0", "git.sales-taken-out", "gitlab.pipelines.1.4.0", "gitlab.production")
def the_final_tag_stands_on_the_rejected_candidate(world: World) -> None:
    point(world, "refs/tags/1.4.0", "1.4.0-rc.1")


@breaks(
    "git.tag.1.4.1", "git.sales-kept", "gitlab.pipelines.1.4.1", "gitlab.production", "shop.production"
)  # fmt: skip
def the_hotfix_s_tag_stands_on_main(world: World) -> None:
    point(world, "refs/tags/1.4.1", "main")


@breaks(
    "git.hotfix-follows", "git.tag.1.4.1", "gitlab.pipelines.1.4.1", "gitlab.production", "shop.production"
)
def the_hotfix_was_cut_from_the_old_version(world: World) -> None:
    point(world, "refs/tags/1.4.1", "1.3.0")


def _moved(version: str) -> Act:
    def act(world: World) -> None:
        point(world, f"refs/heads/release/{version}", "main")

    return named(act, f"release/{version}_went_on_after_its_last_candidate")


for _version in ("1.4.0", "1.4.1"):
    breaks(f"git.branch.{_version}")(_moved(_version))


@breaks("git.merged-back", "git.sales-kept")
def the_hotfix_never_came_back_to_main(world: World) -> None:
    point(world, "refs/heads/main", "1.4.0")


_OF_CANDIDATE_1 = ("gitlab.pipelines.1.4.0-rc.2", "gitlab.staging", "ledger.carried", "ledger.candidates")


@breaks("git.rework-follows", "git.search-reworked", *_OF_CANDIDATE_1)
def the_rework_does_not_come_after_the_first_candidate(world: World) -> None:
    point(world, "refs/tags/1.4.0-rc.2", "1.4.1")


@breaks("git.gift-untouched", *_OF_CANDIDATE_1)
def the_untouched_issue_s_files_were_touched(world: World) -> None:
    point(world, "refs/tags/1.4.0-rc.2", "1.3.0")


def _again(world: World, ref: str, *, op: bool) -> None:
    """A second pipeline like the first one of `ref`, with its operation's key or without."""
    rows = store(world).pipelines
    first = next(row for row in rows.values() if row.ref == ref)
    given = {key: value for key, value in first.variables.items() if op or key != "CONVEYOR_OP"}
    rows[10_000] = replace(first, id=10_000, variables=given)


def _twice(ref: str) -> Act:
    def act(world: World) -> None:
        _again(world, ref, op=False)

    return named(act, f"a_step_of_{ref}_ran_in_two_pipelines")


def _failed(ref: str) -> Act:
    def act(world: World) -> None:
        next(row for row in store(world).pipelines.values() if row.ref == ref).status = "failed"

    return named(act, f"a_pipeline_of_{ref}_failed")


for _ref in ("1.3.0", "1.4.0-rc.1", "1.4.0-rc.2", "1.4.0-rc.3", "1.4.0", "1.4.1-rc.1", "1.4.1"):
    breaks(f"gitlab.pipelines.{_ref}")(_twice(_ref))
    breaks(f"gitlab.pipelines.{_ref}")(_failed(_ref))


@breaks("gitlab.pipelines.1.4.0-rc.3")
def a_verification_said_that_it_deploys(world: World) -> None:
    pipeline = next(row for row in store(world).pipelines.values() if row.ref == "1.4.0-rc.3")
    pipeline.variables = {**pipeline.variables, "CONVEYOR_STEP": "production"}


@breaks("gitlab.pipelines.1.4.0-rc.3", "gitlab.operations")
def an_operation_was_started_twice(world: World) -> None:
    _again(world, "1.4.0-rc.3", op=True)


def _undeployed(environment: str) -> Act:
    def act(world: World) -> None:
        rows = [r for r in store(world).deployments.values() if r.environment.name == environment]
        rows[-1].status = "failed"

    return named(act, f"the_last_deployment_to_{environment}_failed")


for _environment in ("production", "staging"):
    breaks(f"gitlab.{_environment}")(_undeployed(_environment))


@breaks("gitlab.production", "prefect.four-keys")
def there_was_no_rollback_deployment(world: World) -> None:
    rows = store(world).deployments
    old = [
        number for number, row in rows.items() if row.ref == "1.3.0" and row.environment.name == "production"
    ]
    store(world).deployments = {number: row for number, row in rows.items() if number != old[-1]}


@breaks("gitlab.releases", "gitlab.notes.1.4.0")
def a_gitlab_release_is_deleted(world: World) -> None:
    world.on_gitlab("DELETE", "/releases/1.4.0")


@breaks("gitlab.releases")
def a_gitlab_release_too_many_is_made(world: World) -> None:
    world.on_gitlab("POST", "/releases", {"tag_name": "1.3.0", "description": "late"})


def _silent(version: str) -> Act:
    def act(world: World) -> None:
        world.on_gitlab("PUT", f"/releases/{version}", {"description": f"• {GIFT} {TITLES['gift']}"})

    return named(act, f"the_notes_of_{version}_leave_issues_out")


for _version in ("1.4.0", "1.4.1"):
    breaks(f"gitlab.notes.{_version}")(_silent(_version))


def _merge_request(world: World, prefix: str) -> MergeRequest:
    return next(
        row for row in project(world).records.merge_requests.values() if row.source.startswith(prefix)
    )


@breaks("gitlab.merged")
def a_merge_request_of_an_issue_is_still_open(world: World) -> None:
    _merge_request(world, INCIDENT).state = "opened"


@breaks("gitlab.merged-back")
def the_merge_back_is_still_open(world: World) -> None:
    _merge_request(world, "release/1.4.1").state = "opened"


@breaks("git.sales-tried", "gitlab.pipelines.1.4.0-rc.1", "ledger.candidates")
def the_refused_candidate_s_tag_stands_on_the_next_one(world: World) -> None:
    point(world, "refs/tags/1.4.0-rc.1", "1.4.0-rc.2")


@breaks("gitlab.taken-out")
def what_was_refused_is_still_to_be_taken_out(world: World) -> None:
    _merge_request(world, OUT).state = "opened"


@breaks("gitlab.merged-back")
def the_way_back_of_what_was_taken_out_is_still_open(world: World) -> None:
    _merge_request(world, BACK).state = "opened"


@breaks("gitlab.freeze")
def the_freeze_period_was_taken_away(world: World) -> None:
    project(world).records.freezes.clear()


@breaks("gitlab.request-answered")
def the_request_on_gitlab_is_answered_twice(world: World) -> None:
    world.on_gitlab("POST", "/issues/1/notes", {"body": f"Thank you: your request is {SEARCH}"})


@breaks(
    "gitlab.pipelines.1.3.0", "gitlab.production", "shop.production", "shop.cart", "shop.search",
    "prefect.four-keys",
)  # fmt: skip
def the_old_version_was_put_back(world: World) -> None:
    world.step("1.3.0", "production")


@breaks("gitlab.pipelines.1.4.0-rc.2", "gitlab.staging", "shop.staging")
def staging_serves_an_older_candidate(world: World) -> None:
    world.step("1.4.0-rc.2", "staging")
