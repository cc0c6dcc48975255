"""Each service reaches only what it needs: every pair and port of each overlay against a table."""

import pytest

from tests.deploy.manifests import OVERLAYS, of_kind, pods, render_overlay
from tests.deploy.network import Endpoint, may_reach

NAMESPACE = "llm-twin"
SERVICES = {"crawler": 8001, "cdc": 8002, "feature-stream": 8003, "rag-api": 8000}

# What stands outside: in other namespaces of the cluster, behind private addresses, or anywhere.
OUTSIDE = (
    Endpoint("names", "10.96.0.10", "kube-system", {"k8s-app": "kube-dns"}),
    Endpoint("kube-system pod", "10.96.0.11", "kube-system", {"k8s-app": "other"}),
    Endpoint("stranger", "10.244.9.9", "default", {"app.kubernetes.io/name": "prometheus"}),
    Endpoint("prometheus", "10.244.8.1", "monitoring", {"app.kubernetes.io/name": "prometheus"}),
    Endpoint("collector", "10.244.8.2", "monitoring", {"app.kubernetes.io/name": "opentelemetry-collector"}),
    Endpoint("ingress", "10.244.7.1", "ingress-nginx", {"app.kubernetes.io/name": "ingress-nginx"}),
    Endpoint("managed kafka", "10.20.1.5"),
    Endpoint("managed mongodb", "10.20.2.5"),
    Endpoint("managed qdrant", "10.20.3.5"),
    Endpoint("private address", "192.168.1.1"),
    Endpoint("cloud metadata", "169.254.169.254"),
    Endpoint("the web", "93.184.216.34"),
)

Flow = tuple[str, str, int]

_STREAM_PEERS = {("feature-stream", "feature-stream", 2101)}
_CRAWLS = {("crawler", "the web", 80), ("crawler", "the web", 443)}
_IN_CLUSTER = {
    *((client, "kafka", 9092) for client in (*SERVICES, "topics", "demo")),
    *((client, "mongodb", 27017) for client in (*SERVICES, "demo")),
    *((client, "qdrant", 6333) for client in ("feature-stream", "rag-api", "demo")),
    ("demo", "rag-api", 8000),
}
_MANAGED = {
    *((client, "managed kafka", 9094) for client in (*SERVICES, "topics", "datasets")),
    *((client, "managed mongodb", 27017) for client in (*SERVICES, "datasets", "audit")),
    *((client, "managed qdrant", 6333) for client in ("feature-stream", "rag-api", "datasets", "audit")),
}
_OBSERVED = {
    *(("prometheus", service, port) for service, port in SERVICES.items()),
    *((service, "collector", 4318) for service in SERVICES),
}
_PRODUCTION = _STREAM_PEERS | _CRAWLS | _MANAGED | _OBSERVED | {("ingress", "rag-api", 8000)}
_MODEL = {("rag-api", "tgi", 8080), ("tgi", "the web", 443), ("prometheus", "tgi", 8080)}

_LEARNING = {
    *((client, "managed kafka", 9094) for client in ("trainer", "training")),
    *((client, "managed mongodb", 27017) for client in ("trainer", "training")),
    *((client, "the web", 443) for client in ("trainer", "training")),
    ("prometheus", "trainer", 8004),
    ("trainer", "collector", 4318),
}

FLOWS: dict[str, set[Flow]] = {
    "dev": _STREAM_PEERS | _CRAWLS | _IN_CLUSTER,
    "production": _PRODUCTION,
    "production-gpu": _PRODUCTION | _MODEL | _LEARNING,
}


def test_there_is_a_table_for_every_overlay() -> None:
    assert sorted(FLOWS) == OVERLAYS


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_flows_are_exactly_those_of_the_table(overlay: str) -> None:
    manifests = render_overlay(overlay)
    policies = of_kind(manifests, "NetworkPolicy")
    ours = [
        Endpoint(
            pod.name,
            f"10.244.1.{number}",
            NAMESPACE,
            pod.labels,
            {port["name"]: port["containerPort"] for box in pod.containers for port in box.get("ports", [])},
        )
        for number, pod in enumerate(pods(manifests), start=1)
    ]
    listening = {port for endpoint in ours for port in endpoint.port_names.values()}
    ports = listening | {22, 53, 80, 443, 4317, 4318, 8080, 9092, 9094, 27017, 6333, 6334, 6443, 10250}
    everyone = [*ours, *OUTSIDE]
    found = {
        (source.name, target.name, port)
        for source in everyone
        for target in everyone
        if NAMESPACE in (source.namespace, target.namespace)
        for port in ports
        if may_reach(source, target, port, policies, NAMESPACE)
    }
    names = {(endpoint.name, "names", 53) for endpoint in ours}
    assert found == FLOWS[overlay] | names


def test_without_a_policy_everything_is_open() -> None:
    """The evaluator itself says yes where nothing forbids: the table cannot pass by its silence."""
    crawler = Endpoint("crawler", "10.244.1.1", NAMESPACE, {"app.kubernetes.io/name": "crawler"})
    assert may_reach(crawler, OUTSIDE[-2], 80, [], NAMESPACE)
