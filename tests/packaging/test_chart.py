"""The chart by Helm's own code, and what it makes by Kubernetes' schemas and by what we promise.

Skipped where Helm's SDK is not; what the chart says of names and variables is in `test_agreement`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.reading import CHART, GRACE_S, procfile
from tests.packaging.tools import python, said

pytestmark = pytest.mark.once

GIVEN: Mapping[str, Mapping[str, object]] = {
    "plain": {"existingSecret": "s"},
    "all": {
        "existingSecret": "s",
        "image": {"repository": "registry.example.com/ingest", "digest": f"sha256:{'0' * 64}"},
        "imagePullSecrets": [{"name": "pull"}],
        "settings": {"INGEST_MAX_BODY_BYTES": "26214400", "INGEST_GITHUB_API_URL": "https://h"},
        "ingress": {"enabled": True, "host": "h.example.com", "tlsSecret": "t", "className": "c"},
        "service": {"annotations": {"a": "b"}},
        "serviceAccountName": "ours",
        "podAnnotations": {"a": "1"},
        "podLabels": {"l": "1"},
        "nodeSelector": {"n": "1"},
        "tolerations": [{"key": "k", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
    },
    "few": {
        "existingSecret": "s",
        "migration": {"enabled": False},
        "podDisruptionBudget": {"enabled": False},
    },
    "no secret": {},
    "a number": {"existingSecret": "s", "settings": {"INGEST_MAX_BODY_BYTES": 26214400}},
    "a secret as a setting": {"existingSecret": "s", "settings": {"INGEST_SECRET_KEY": "x"}},
    "no such value": {"existingSecret": "s", "proceses": {}},
    "two beats": {"existingSecret": "s", "processes": {"beat": {"replicas": 2}}},
}
Objects = Mapping[str, Any]


@pytest.fixture(scope="module")
def chart() -> Objects:
    """Lint's findings, and what each of the values makes: objects, or why there are none."""
    script = Path(__file__).parent / "rendered.py"
    given = [json.dumps(values) for values in GIVEN.values()]
    code, text = said(python(), script, CHART, *given)
    assert code == 0, text[-2000:]
    told: Objects = json.loads(text[text.index('{"lint"') :])
    return {"lint": told["lint"], **dict(zip(GIVEN, told["made"], strict=True))}


def _of(objects: list[Objects], kind: str) -> Mapping[str, Any]:
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


def test_lint_finds_nothing(chart: Objects) -> None:
    assert chart["lint"]["errors"] == []
    assert [m["error"] for m in chart["lint"]["messages"]] == ["icon is recommended"]


def test_there_is_a_deployment_for_each_process(chart: Objects) -> None:
    made = _of(chart["plain"], "Deployment")
    assert set(made) == {f"prod-lightfast-ingest-{name}" for name in procfile()}
    for name in procfile():
        spec = made[f"prod-lightfast-ingest-{name}"]["spec"]
        (container,) = spec["template"]["spec"]["containers"]
        assert container["args"][0] == name
        probe = container["livenessProbe"]
        if name == "web":
            assert probe["httpGet"]["path"] == "/healthz"
            assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        else:
            assert probe["exec"]["command"] == ["ingest", "health", name]
        assert spec["strategy"]["type"] == ("Recreate" if name == "beat" else "RollingUpdate")
    assert made["prod-lightfast-ingest-beat"]["spec"]["replicas"] == 1


@pytest.mark.parametrize("values", ["plain", "all"])
def test_every_pod_is_held_down(chart: Objects, values: str) -> None:
    pods = [one for one in chart[values] if one["kind"] in {"Deployment", "Job"}]
    assert len(pods) == len(procfile()) + 1
    for pod in pods:
        spec = pod["spec"]["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["automountServiceAccountToken"] is False
        assert spec["terminationGracePeriodSeconds"] == GRACE_S
        (container,) = spec["containers"]
        held = container["securityContext"]
        assert held["readOnlyRootFilesystem"] is True
        assert held["allowPrivilegeEscalation"] is False
        assert held["capabilities"]["drop"] == ["ALL"]
        assert container["envFrom"] == [{"secretRef": {"name": "s"}}]
        env = {one["name"]: one["value"] for one in container["env"]}
        mounted = {one["mountPath"] for one in container["volumeMounts"]}
        assert mounted == {env["INGEST_DATA_DIR"], "/tmp"}
        assert {name for one in spec["volumes"] for name in one} == {"name", "emptyDir"}


def test_the_schema_comes_first(chart: Objects) -> None:
    (job,) = _of(chart["plain"], "Job").values()
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["ingest", "db", "upgrade"]


def test_what_is_chosen_is_made(chart: Objects) -> None:
    kinds = {values: {one["kind"] for one in chart[values]} for values in ("plain", "all", "few")}
    always = {"Deployment", "Service"}
    assert kinds["few"] == always
    assert kinds["plain"] == always | {"Job", "PodDisruptionBudget"}
    assert kinds["all"] == kinds["plain"] | {"Ingress"}
    (ingress,) = _of(chart["all"], "Ingress").values()
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    assert path["path"] == "/webhooks/"
    assert path["backend"]["service"]["name"] in _of(chart["all"], "Service")
    assert len(_of(chart["all"], "PodDisruptionBudget")) == len(procfile()) - 1
    told = chart["all"][0]["spec"]["template"]["spec"]["containers"][0]
    assert told["image"] == f"registry.example.com/ingest@sha256:{'0' * 64}"
    assert {"name": "INGEST_MAX_BODY_BYTES", "value": "26214400"} in told["env"]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ("no secret", "existingSecret"),
        ("a number", "INGEST_MAX_BODY_BYTES"),
        ("a secret as a setting", "INGEST_SECRET_KEY"),
        ("no such value", "proceses"),
        ("two beats", "replicas"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(chart: Objects, values: str, named: str) -> None:
    assert isinstance(chart[values], str)
    assert named in chart[values]
