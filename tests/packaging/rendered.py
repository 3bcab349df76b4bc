"""Renders the chart with Helm's own code and holds it to Kubernetes' schemas; prints JSON.

Run by the tools' interpreter: rendered.py CHART VALUES..., each a JSON object of values.
"""

import json
import sys

import helm_python  # type: ignore[import-not-found]  # it stands in the tools' environment alone
import kubernetes_validate  # type: ignore[import-not-found]  # the same
import yaml

KUBERNETES = "1.33"


def main(path: str, *given: str) -> None:
    """What lint says of the chart, and the objects that each of the values makes."""
    lint = helm_python.lint(path, {"existingSecret": "s"}, strict=True)
    made: list[object] = []
    with helm_python.Chart.load(path) as chart:
        for text in given:
            try:
                chart.validate_schema(json.loads(text))
                files = chart.render(json.loads(text), name="prod", namespace="ingest")
            except helm_python.HelmError as error:
                made.append(str(error))
                continue
            objects = [
                one
                for name, rendered in files.items()
                if name.endswith(".yaml")
                for one in yaml.safe_load_all(rendered)
                if one is not None
            ]
            for one in objects:
                kubernetes_validate.validate(one, KUBERNETES, strict=True)
            made.append(objects)
    sys.stdout.write(json.dumps({"lint": lint, "made": made}))


main(*sys.argv[1:])
