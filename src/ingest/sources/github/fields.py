"""The names of the fields that GitHub's public schema knows; others are reported as drift.

Lists of `@octokit/openapi-webhooks`, with what older schemas had. To be known is not to be read:
`payloads` says what we read. One set difference for each object, nothing deeper.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.values import JSON
from ingest.sources.drift import MOST, unknown
from ingest.sources.wire import mapping

_LONGEST = 80


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


PAYLOAD = _names(
    """action after answer assignee before changes comment discussion enterprise installation issue
    issue_field issue_field_value label milestone number old_answer organization pull_request reason
    release repository requested_reviewer requested_team review sender stack status type"""
)
ISSUE = _names(
    """active_lock_reason assignee assignees author_association body body_html body_text closed_at
    closed_by comments comments_url created_at draft events_url html_url id
    issue_dependencies_summary issue_field_values labels labels_url locked milestone node_id number
    parent_issue_url performed_via_github_app pinned_comment pull_request reactions repository
    repository_url state state_reason status sub_issues_summary timeline_url title type updated_at
    url user"""
)
PULL_REQUEST = _names(
    """_links active_lock_reason additions allow_auto_merge allow_update_branch assignee assignees
    author_association auto_merge base body body_html body_text changed_files closed_at comments
    comments_url commits commits_url created_at delete_branch_on_merge deletions diff_url draft
    head html_url id issue_url labels locked maintainer_can_modify merge_commit_message
    merge_commit_sha merge_commit_title mergeable mergeable_state merged merged_at merged_by
    milestone node_id number patch_url rebaseable requested_reviewers requested_teams
    review_comment_url review_comments review_comments_url squash_merge_commit_message
    squash_merge_commit_title stack state statuses_url title updated_at url
    use_squash_pr_title_as_default user"""
)
COMMENT = _names(
    """author_association body body_html body_text created_at html_url id issue_url minimized
    node_id performed_via_github_app pin reactions updated_at url user"""
)
REVIEW = _names(
    """_links author_association body body_html body_text commit_id html_url id node_id
    pull_request_url state submitted_at updated_at user"""
)
REVIEW_COMMENT = _names(
    """_links author_association body body_html body_text commit_id created_at diff_hunk html_url
    id in_reply_to_id line node_id original_commit_id original_line original_position
    original_start_line path position pull_request_review_id pull_request_url reactions side
    start_line start_side subject_type updated_at url user"""
)

DISCUSSION = _names(
    """active_lock_reason answer_chosen_at answer_chosen_by answer_html_url author_association body
    category comments created_at html_url id labels locked node_id number reactions repository_url
    state state_reason timeline_url title updated_at user"""
)
DISCUSSION_COMMENT = _names(
    """author_association body child_comment_count created_at discussion_id html_url id node_id
    parent_id reactions repository_url updated_at user"""
)
RELEASE = _names(
    """assets assets_url author body body_html body_text created_at discussion_url draft html_url id
    immutable mentions_count name node_id prerelease published_at reactions short_description_html
    is_short_description_html_truncated tag_name tarball_url target_commitish updated_at upload_url
    url zipball_url"""
)


def unknown_fields(
    payload: Mapping[str, JSON], *, member: str, known: frozenset[str]
) -> tuple[str, ...]:
    """Unknown fields of the envelope (`payload.x`) and its main object, sorted, at most 20.

    Names are shown as ASCII, so that what somebody puts into a key cannot disturb a log.
    """
    names = unknown(("payload", payload, PAYLOAD), (member, mapping(payload, member), known))
    return tuple(sorted(ascii(name)[1:-1][:_LONGEST] for name in names)[:MOST])
