"""What is odd in legacy databases, each under a name, in an organization of its own.

`ODDITIES[name]()` gives the rows of one, parents first. What each is about stands in its docstring.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.legacy.rows import (
    ZEROS,
    Json,
    Made,
    above,
    commit,
    document,
    hash_of,
    id_of,
    json_of,
    link,
    ordinary,
    organization,
    repository,
    sha_of,
    store,
    vector_entry,
    workspace,
)

Oddity = Callable[[], list[Made]]


def store_without_repository() -> list[Made]:
    """Documents of a store to which no repository is linked: where they came from nobody knows."""
    name = "no-repo"
    return [
        *above(name),
        document(name, "docs/lonely.md"),
        document(name, "docs/lonelier.md"),
        commit(name, "d-no-repo"),
    ]


def store_with_two_repositories() -> list[Made]:
    """A path may be of either; of two of one path the later overwrote the earlier."""
    name = "two-repos"
    return [
        *ordinary(name, "one"),
        repository(name, "other"),
        link(name, "other"),
        document(name, "README.md", content_hash=hash_of("of the other, which came later")),
        document(name, "docs/one.md"),
        commit(name, "d-two-repos"),
    ]


def store_of_one_active_repository() -> list[Made]:
    """Of two linked repositories one is not active any more."""
    name = "one-active"
    return [
        *ordinary(name, "active"),
        repository(name, "asleep", is_active=False),
        link(name, "asleep"),
        document(name, "docs/whose.md"),
    ]


def store_without_anything() -> list[Made]:
    """Neither repository nor document."""
    return above("bare")


def duplicate_slugs() -> list[Made]:
    """Rows made by hand: three documents of a store have one slug."""
    name = "one-slug"
    return [
        *ordinary(name),
        document(name, "docs/intro.md"),
        document(name, "docs/intro.mdx", id=id_of("by hand, one"), slug="docs/intro"),
        document(name, "intro.md", id=id_of("by hand, two"), slug="docs/intro"),
    ]


def slugs_that_differ_in_case() -> list[Made]:
    name = "cases"
    return [*ordinary(name), document(name, "docs/Intro.md"), document(name, "docs/intro.md")]


def same_path_in_two_stores() -> list[Made]:
    """One repository is linked to one store alone; both stores have its path."""
    name = "two-stores"
    return [
        *ordinary(name),
        store(name, "blog"),
        document(name, "docs/shared.md"),
        document(name, "docs/shared.md", "blog"),
    ]


def longest_paths() -> list[Made]:
    """255 and 256 characters, and 512; two that differ after the 255th alone."""
    name = "long-paths"
    paths = ["a" * 252 + ".md", "b" * 253 + ".md", "d/" * 254 + "e.md"]
    paths += ["f" * 500 + f"-{n}.md" for n in (1, 2)]
    return [
        *ordinary(name),
        *(
            document(name, path, id=id_of(path), slug=path[:200] + str(n))
            for n, path in enumerate(paths)
        ),
    ]


def longest_ids() -> list[Made]:
    """191 characters, and a slug of 256."""
    name = "long-ids"
    told = document(name, "long.md", id="i" * 191, slug="s" * 256)
    return [*ordinary(name), told, vector_entry(told, 0, id="v" * 191)]


def deleted_repository() -> list[Made]:
    """After its deletion the metadata is replaced: no name is left but that of its link."""
    name = "deleted"
    gone = json_of({"deleted": True, "deletedAt": "2024-06-01T12:00:00.000Z"})
    return [
        *above(name),
        repository(name, "gone", metadata=gone, is_active=False),
        link(name, "gone"),
        document(name, "docs/of-the-gone.md"),
    ]


def deleted_repository_without_a_link() -> list[Made]:
    """Nothing tells its name any more."""
    name = "deleted-nameless"
    gone = json_of({"deleted": True, "deletedAt": "2024-06-01T12:00:00.000Z"})
    return [organization(name), workspace(name), repository(name, "gone", metadata=gone)]


def repository_without_metadata() -> list[Made]:
    """NULL metadata and permissions; never synced, no config found."""
    name = "bare-repo"
    bare = repository(
        name,
        "bare",
        metadata=None,
        permissions=None,
        last_synced_at=None,
        last_ingested_at=None,
        config_status="pending",
        config_path=None,
        config_detected_at=None,
    )
    return [*above(name), bare, link(name, "bare"), document(name, "a.md")]


def repository_with_odd_metadata() -> list[Made]:
    """An array, a text, JSON's own null; an owner that is an object, a private that is a text."""
    name = "odd-metadata"
    told = {
        "array": "[1, 2]",
        "text": '"a text"',
        "null": "null",
        "owner": '{"fullName": "odd-metadata/owner", "owner": {"login": "odd-metadata"}}',
        "private": '{"fullName": "", "private": "yes", "owner": 7}',
    }
    return [
        organization(name),
        workspace(name),
        *(repository(name, repo, metadata=Json(text)) for repo, text in told.items()),
        repository(name, "permissions", permissions=Json("[true]")),
    ]


def repository_without_store() -> list[Made]:
    name = "unlinked"
    return [*above(name), repository(name, "unlinked")]


def repository_without_workspace() -> list[Made]:
    name = "no-workspace"
    return [*above(name), repository(name, "site", workspace_id=None), link(name, "site")]


def repository_in_every_status() -> list[Made]:
    name = "statuses"
    all_of_them = ("configured", "unconfigured", "ingesting", "error", "pending")
    return [*above(name), *(repository(name, one, config_status=one) for one in all_of_them)]


def repository_with_an_odd_id() -> list[Made]:
    """GitHub's ids are numbers; the column takes any text."""
    name = "odd-ids"
    told = ("", "not-a-number", "007", "99999999999999999999")
    return [
        *above(name),
        *(repository(name, f"r{n}", github_repo_id=one) for n, one in enumerate(told)),
    ]


def repository_whose_name_differs_in_case() -> list[Made]:
    """The link was written when the repository was called otherwise."""
    name = "renamed"
    return [
        *above(name),
        repository(name, "Site"),
        link(name, "Site", repo_full_name="Renamed/site"),
        document(name, "docs/a.md"),
    ]


def link_to_an_unconnected_repository() -> list[Made]:
    name = "not-connected"
    return [*above(name), link(name, "stranger"), document(name, "docs/strange.md")]


def link_to_another_organizations_repository() -> list[Made]:
    """A store is fed by what another organization connected."""
    name, other = "borrower", "lender"
    return [
        *above(name),
        *above(other),
        repository(other, "lent"),
        link(name, "lent", github_repo_id=str(repository(other, "lent")[1]["github_repo_id"])),
        document(name, "docs/borrowed.md"),
    ]


def shared_delivery_ids() -> list[Made]:
    """Deliveries without an id were written down as `unknown`, once in each store."""
    made: list[Made] = []
    for name in ("unknown-a", "unknown-b"):
        made += [*ordinary(name), commit(name, "unknown")]
    return made


def commits_of_every_source_and_status() -> list[Made]:
    """Also what nobody knows, and the ids of runs that a person asked for."""
    name = "commits"
    told = [
        ("github-webhook", "processed", "d-1"),
        ("github-webhook", "skipped", "d-2"),
        ("github-webhook", "failed", "d-3"),
        ("manual", "processed", f"manual_{id_of('manual')}"),
        ("api", "processed", "api-1"),
        ("scheduled", "failed", "scheduled-1"),
        ("somebody-else", "half-done", "d-4"),
    ]
    return [
        *ordinary(name),
        *(
            commit(name, delivery, source=source, status=status)
            for source, status, delivery in told
        ),
    ]


def commits_with_odd_shas() -> list[Made]:
    """A deleted branch, a new one, SHA-256, no hex at all, an id of 191 characters."""
    name = "shas"
    return [
        *ordinary(name),
        commit(name, "branch-deleted", after_sha=ZEROS),
        commit(name, "branch-created", before_sha=ZEROS),
        commit(name, "sha256", before_sha=hash_of("b"), after_sha=hash_of("a")),
        commit(name, "no-hex", before_sha="HEAD~1", after_sha="HEAD"),
        commit(name, "x" * 191, id=id_of("a long delivery id")),
        commit(name, "", id=id_of("no delivery id")),
        document(name, "sha256.md", commit_sha=hash_of("a")),
    ]


def frontmatter_of_any_kind() -> list[Made]:
    """JSON of every kind, also its own null, and numbers that no float holds."""
    name = "frontmatter"
    told = {
        "array": '["a", 1, null]',
        "string": '"just a text"',
        "number": "12345678901234567890.123456789012345678901234567890",
        "exact": '{"one": 1.10, "tenth": 0.1, "big": 18446744073709551617, "e": 1e-7}',
        "true": "true",
        "null": "null",
        "empty": "{}",
        "nested": "[" * 40 + "]" * 40,
        "date": '{"date": "2024-05-06T07:08:09.123Z", "tags": ["x", "x"], "": ""}',
        "constructor": '{"__proto__": {"a": 1}, "constructor": null, "source_type": "linear"}',
    }
    return [
        *ordinary(name),
        *(document(name, f"{kind}.md", frontmatter=Json(text)) for kind, text in told.items()),
        document(name, "sql-null.md", frontmatter=None),
    ]


def large_frontmatter() -> list[Made]:
    """A megabyte in one value, and ten thousand keys."""
    name = "large"
    keys = {f"key-{n:05}": n for n in range(10_000)}
    return [
        *ordinary(name),
        document(name, "text.md", frontmatter=json_of({"text": "a line\n" * 150_000})),
        document(name, "keys.md", frontmatter=json_of(keys)),
    ]


def texts_of_every_kind() -> list[Made]:
    """Letters of all planes, control characters, quotes, and ends of lines."""
    name = "texts"
    told = [
        "docs/Grüße – naïve.md",
        "docs/日本語/説明.md",
        "docs/😀 👩‍👩‍👧‍👦.md",
        "docs/\u0001\u001f\u007f.md",
        "docs/tab\tline\nfeed\rreturn\x0b\x0c\x1d.md",
        "docs/\u0085\u2028\u2029.md",
        'docs/"quoted" \\back\\slash\\n \\u0041.md',
        "docs/e\u0301 and \u00e9.md",
        "docs/\ufeff\u200b\u202e.md",
        "docs/\\.",
        "\\N",
        " ",
        "/absolute.md",
        "../up.md",
        "docs//twice.md",
        "C:\\windows.md",
    ]
    return [
        *ordinary(name),
        *(
            document(
                name, path, id=id_of(path), slug=f"t/{path}", frontmatter=json_of({path: [path]})
            )
            for path in told
        ),
    ]


def timestamps_of_every_kind() -> list[Made]:
    """Microseconds, none, the ends of time, before Christ, and far from now."""
    name = "times"
    told = [
        "2024-05-06 07:08:09.000001",
        "2024-05-06 07:08:09.100000",
        "2024-05-06 07:08:09",
        "1970-01-01 00:00:00",
        "0044-03-15 12:00:00 BC",
        "12345-01-01 00:00:00",
        "infinity",
        "-infinity",
    ]
    return [
        *ordinary(name),
        *(
            document(name, f"t{n}.md", committed_at=at, created_at=at, updated_at=at)
            for n, at in enumerate(told)
        ),
        *(commit(name, f"t-{n}", processed_at=at) for n, at in enumerate(told)),
    ]


def hashes_that_are_none() -> list[Made]:
    """Empty, in capitals, shorter; no config hash; a chunk count that is wrong, or below zero."""
    name = "hashes"
    return [
        *ordinary(name),
        document(name, "empty.md", content_hash="", commit_sha=""),
        document(name, "capitals.md", content_hash=hash_of("c").upper()),
        document(name, "md5.md", content_hash="d41d8cd98f00b204e9800998ecf8427e"),
        document(name, "unconfigured.md", config_hash=None),
        document(name, "none.md", chunk_count=0),
        document(name, "below.md", chunk_count=-1),
    ]


def vector_entries_that_do_not_fit() -> list[Made]:
    """Another hash than the document's, more or fewer than it counts, one index twice, and one that
    is of another store than its document.
    """
    name = "vectors"
    told, other = document(name, "three.md", chunk_count=3), document(name, "none.md")
    return [
        *ordinary(name),
        store(name, "elsewhere"),
        told,
        other,
        vector_entry(told, 0),
        vector_entry(told, 1, content_hash=hash_of("stale")),
        vector_entry(told, 1, id=f"{told[1]['id']}#1b", content_hash=hash_of("staler")),
        vector_entry(told, 9),
        vector_entry(told, -1),
        vector_entry(other, 0, id="by hand", store_id=f"{id_of(name)}_elsewhere"),
    ]


def organizations_alike() -> list[Made]:
    """One slug twice, and no avatar; one has neither workspace nor repository."""
    name = "alike"
    return [
        *ordinary(name),
        organization("alike-too", clerk_org_slug=name, github_org_slug=name),
        organization("alike-three", clerk_org_slug="", github_org_avatar_url=None),
    ]


def workspaces_alike() -> list[Made]:
    """One slug twice in an organization, two defaults; settings of any kind."""
    name = "workspaces"
    kinds = {"null": Json("null"), "none": None, "array": Json("[1]"), "text": Json('"x"')}
    return [
        *above(name),
        *(
            workspace(f"{name}-{kind}", organization_id=f"org_{name}", slug=name, settings=settings)
            for kind, settings in kinds.items()
        ),
    ]


def stores_of_their_own_kind() -> list[Made]:
    """Other sizes, metrics and models than the defaults, and an id made by hand."""
    name = "stores"
    return [
        *ordinary(name),
        store(
            name,
            "own",
            id="by-hand",
            embedding_dim=3072,
            pinecone_metric="dotproduct",
            pinecone_cloud="gcp",
            pinecone_region="europe-west1",
            chunk_max_tokens=256,
            chunk_overlap=0,
            embedding_model="text-embedding-3-large",
            embedding_provider="openai",
        ),
        store(name, "zero", chunk_max_tokens=0, chunk_overlap=-1, embedding_dim=0),
    ]


def document_with_an_id_of_its_own() -> list[Made]:
    """Ids that are not made of the row's own parts; a slug of another path."""
    name = "own-ids"
    return [
        *ordinary(name),
        document(name, "docs/a.md", id="1"),
        document(name, "docs/b.md", id=f"{id_of(name)}_docs_elsewhere"),
        document(name, "docs/c.md", slug=""),
        document(name, "docs/d.md", slug="docs/x", commit_sha=sha_of("of nothing")),
        document(name, "", slug="empty path"),
    ]


ODDITIES: Mapping[str, Oddity] = {
    oddity.__name__: oddity
    for oddity in (
        store_without_repository,
        store_with_two_repositories,
        store_of_one_active_repository,
        store_without_anything,
        duplicate_slugs,
        slugs_that_differ_in_case,
        same_path_in_two_stores,
        longest_paths,
        longest_ids,
        deleted_repository,
        deleted_repository_without_a_link,
        repository_without_metadata,
        repository_with_odd_metadata,
        repository_without_store,
        repository_without_workspace,
        repository_in_every_status,
        repository_with_an_odd_id,
        repository_whose_name_differs_in_case,
        link_to_an_unconnected_repository,
        link_to_another_organizations_repository,
        shared_delivery_ids,
        commits_of_every_source_and_status,
        commits_with_odd_shas,
        frontmatter_of_any_kind,
        large_frontmatter,
        texts_of_every_kind,
        timestamps_of_every_kind,
        hashes_that_are_none,
        vector_entries_that_do_not_fit,
        organizations_alike,
        workspaces_alike,
        stores_of_their_own_kind,
        document_with_an_id_of_its_own,
    )
}
"""By name; all of them stand beside one another in one database."""
