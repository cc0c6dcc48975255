"""What must hold for every container of every overlay, on what is rendered."""

from pathlib import Path

import kubernetes_validate
import pytest

from tests.deploy.manifests import (
    KUBERNETES,
    OVERLAYS,
    Manifest,
    Pod,
    of_kind,
    pods,
    render_overlay,
    render_with,
)
from tests.deploy.network import Endpoint, may_reach
from tests.deploy.settings import OPTIONAL, SERVICES
from twin_common.kafka_settings import KafkaSettings
from twin_common.topics import CRAWL_REQUESTS, DOCUMENT_CHANGES

# Objects of operators: their schemas are not Kubernetes' own.
_OPERATORS = {
    ("external-secrets.io/v1", "ExternalSecret"),
    ("kafka.strimzi.io/v1", "Kafka"),
    ("kafka.strimzi.io/v1", "KafkaNodePool"),
    ("kafka.strimzi.io/v1", "KafkaUser"),
    ("mongodbcommunity.mongodb.com/v1", "MongoDBCommunity"),
    ("keda.sh/v1alpha1", "ScaledObject"),
    ("keda.sh/v1alpha1", "TriggerAuthentication"),
    ("monitoring.coreos.com/v1", "ServiceMonitor"),
}
_VERSIONS = ("1.33", "1.37")
# In no overlay of ours; each is rendered over the base alone.
_OPTIONAL = ("hpa", "feature-stream-cluster", "strimzi", "mongodb-operator", "text-embeddings-inference")

_CONTAINERS = [
    pytest.param(pod, container, id=f"{overlay}-{pod.name}-{container['name']}")
    for overlay in OVERLAYS
    for pod in pods(render_overlay(overlay))
    for container in pod.containers
]
_ALL_PODS = [(overlay, pod) for overlay in OVERLAYS for pod in pods(render_overlay(overlay))]
_PODS = [pytest.param(pod, id=f"{overlay}-{pod.name}") for overlay, pod in _ALL_PODS]
_SERVICE_PODS = [
    pytest.param(pod, id=f"{overlay}-{pod.name}")
    for overlay, pod in _ALL_PODS
    if pod.name in (*SERVICES, *OPTIONAL)
]


def _assert_valid(manifests: tuple[Manifest, ...]) -> None:
    for manifest in manifests:
        if (manifest["apiVersion"], manifest["kind"]) in _OPERATORS:
            continue
        for version in _VERSIONS:
            kubernetes_validate.validate(manifest, version, strict=True)


class TestSchema:
    @pytest.mark.parametrize("overlay", OVERLAYS)
    def test_every_object_of_an_overlay_is_valid(self, overlay: str) -> None:
        _assert_valid(render_overlay(overlay))

    @pytest.mark.parametrize("component", _OPTIONAL)
    def test_every_object_is_valid_with_an_optional_component(self, component: str, tmp_path: Path) -> None:
        _assert_valid(render_with(component, tmp_path))

    def test_every_component_is_used_or_tested_alone(self) -> None:
        used = set(_OPTIONAL)
        for overlay in OVERLAYS:
            text = (KUBERNETES / "overlays" / overlay / "kustomization.yaml").read_text()
            used |= {
                folder.name for folder in (KUBERNETES / "components").iterdir() if f"/{folder.name}\n" in text
            }
        assert used == {folder.name for folder in (KUBERNETES / "components").iterdir()}


class TestContainers:
    @pytest.mark.parametrize(("pod", "container"), _CONTAINERS)
    def test_it_runs_as_nobody_and_may_write_nothing(self, pod: Pod, container: Manifest) -> None:
        own, common = container["securityContext"], pod.spec["securityContext"]
        assert own["readOnlyRootFilesystem"] is True
        assert own["allowPrivilegeEscalation"] is False
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert "privileged" not in own
        assert common["runAsNonRoot"] is True
        assert common["runAsUser"] > 0
        assert common["seccompProfile"] == {"type": "RuntimeDefault"}

    @pytest.mark.parametrize(("pod", "container"), _CONTAINERS)
    def test_it_asks_for_what_it_uses_and_may_take_so_much(self, pod: Pod, container: Manifest) -> None:
        for resource in ("cpu", "memory"):
            assert container["resources"]["requests"][resource], pod.name
            assert container["resources"]["limits"][resource], pod.name

    @pytest.mark.parametrize(("pod", "container"), _CONTAINERS)
    def test_it_is_probed_unless_it_ends_by_itself(self, pod: Pod, container: Manifest) -> None:
        probed = {"readinessProbe", "livenessProbe"} <= container.keys()
        assert probed == (pod.kind not in ("Job", "CronJob"))

    @pytest.mark.parametrize(("pod", "container"), _CONTAINERS)
    def test_its_image_is_a_version(self, pod: Pod, container: Manifest) -> None:
        name, _, tag = container["image"].rpartition(":")
        assert name, f"{pod.name} names no tag: {container['image']}"
        assert tag != "latest"
        assert any(character.isdigit() for character in tag)

    @pytest.mark.parametrize(("pod", "container"), _CONTAINERS)
    def test_no_secret_is_written_into_it(self, pod: Pod, container: Manifest) -> None:
        for variable in container.get("env", []):
            if variable["name"].endswith(("PASSWORD", "API_KEY", "TOKEN", "MONGODB_URL")):
                assert "secretKeyRef" in variable["valueFrom"], pod.name


class TestPods:
    @pytest.mark.parametrize("pod", _PODS)
    def test_it_sees_nothing_of_the_node_or_the_cluster(self, pod: Pod) -> None:
        assert pod.spec["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.spec.keys()
        assert not [volume for volume in pod.spec.get("volumes", []) if "hostPath" in volume]

    @pytest.mark.parametrize("pod", _PODS)
    def test_what_it_writes_beside_its_volumes_is_bounded(self, pod: Pod) -> None:
        for volume in pod.spec.get("volumes", []):
            assert "emptyDir" not in volume or volume["emptyDir"]["sizeLimit"]

    @pytest.mark.parametrize("pod", _SERVICE_PODS)
    def test_a_service_is_asked_at_its_own_addresses(self, pod: Pod) -> None:
        [container] = [box for box in pod.containers if box["name"] == pod.name]
        assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert pod.spec["priorityClassName"]
        assert pod.spec["topologySpreadConstraints"]


@pytest.mark.parametrize("overlay", OVERLAYS)
class TestOverlay:
    def test_its_namespace_refuses_what_is_less_than_restricted(self, overlay: str) -> None:
        [namespace] = of_kind(render_overlay(overlay), "Namespace")
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"

    def test_it_holds_no_secret(self, overlay: str) -> None:
        assert not of_kind(render_overlay(overlay), "Secret")

    def test_every_service_has_a_disruption_budget_that_lets_a_node_be_drained(self, overlay: str) -> None:
        manifests = render_overlay(overlay)
        budgets = {
            budget["metadata"]["name"]: budget["spec"] for budget in of_kind(manifests, "PodDisruptionBudget")
        }
        assert set(SERVICES) <= budgets.keys()
        for workload in of_kind(manifests, "Deployment", "StatefulSet"):
            budget = budgets.get(workload["metadata"]["name"], {"maxUnavailable": 1})
            copies = workload["spec"].get("replicas", 2)
            assert budget.get("maxUnavailable") or budget["minAvailable"] < copies

    def test_selectors_find_the_pods_that_they_mean(self, overlay: str) -> None:
        manifests = render_overlay(overlay)
        labels = [pod.labels for pod in pods(manifests)]
        wanted = [service["spec"]["selector"] for service in of_kind(manifests, "Service")]
        wanted += [
            budget["spec"]["selector"]["matchLabels"] for budget in of_kind(manifests, "PodDisruptionBudget")
        ]
        for selector in wanted:
            assert any(selector.items() <= pod.items() for pod in labels), selector

    def test_every_secret_it_refers_to_is_one_of_the_five(self, overlay: str) -> None:
        names = {
            variable["valueFrom"]["secretKeyRef"]["name"]
            for pod in pods(render_overlay(overlay))
            for container in pod.containers
            for variable in container.get("env", [])
            if "secretKeyRef" in variable.get("valueFrom", {})
        }
        assert names <= {"mongodb", "kafka", "qdrant", "language-model", "hub"}


@pytest.mark.parametrize("overlay", ["production", "production-gpu"])
def test_production_fetches_every_secret_it_refers_to(overlay: str) -> None:
    manifests = render_overlay(overlay)
    fetched = {
        (secret["spec"]["target"]["name"], entry["secretKey"])
        for secret in of_kind(manifests, "ExternalSecret")
        for entry in secret["spec"]["data"]
    }
    for pod in pods(manifests):
        for container in pod.containers:
            for variable in container.get("env", []):
                if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                    assert (reference["name"], reference["key"]) in fetched


def test_production_scales_no_further_than_there_are_partitions() -> None:
    scaled = {
        scaler["metadata"]["name"]: scaler["spec"]
        for scaler in of_kind(render_overlay("production"), "ScaledObject")
    }
    [trigger] = scaled["crawler"]["triggers"]
    assert trigger["metadata"]["topic"] == CRAWL_REQUESTS.name
    assert scaled["crawler"]["maxReplicaCount"] == CRAWL_REQUESTS.partitions


def test_a_scaler_has_the_number_of_copies_to_itself() -> None:
    manifests = render_overlay("production-gpu")
    scaled = {scaler["spec"]["scaleTargetRef"]["name"] for scaler in of_kind(manifests, "ScaledObject")}
    fixed = {
        workload["metadata"]["name"]
        for workload in of_kind(manifests, "Deployment")
        if "replicas" in workload["spec"]
    }
    assert scaled == {"crawler", "rag-api", "tgi"}
    assert not scaled & fixed


def test_the_processes_of_one_stream_are_as_many_as_their_addresses(tmp_path: Path) -> None:
    manifests = render_with("feature-stream-cluster", tmp_path)
    [stream] = [
        one for one in of_kind(manifests, "StatefulSet") if one["metadata"]["name"] == "feature-stream"
    ]
    [container] = stream["spec"]["template"]["spec"]["containers"]
    [addresses] = [
        entry["value"] for entry in container["env"] if entry["name"] == "FEATURE_STREAM_ADDRESSES"
    ]
    expected = [
        f"feature-stream-{number}.feature-stream:2101" for number in range(stream["spec"]["replicas"])
    ]
    assert addresses.split(",") == expected
    assert len(expected) <= DOCUMENT_CHANGES.partitions
    assert "volumeClaimTemplates" not in stream["spec"]


def test_kafka_by_its_operator_lets_the_services_do_what_they_do(tmp_path: Path) -> None:
    manifests = render_with("strimzi", tmp_path)
    [kafka] = of_kind(manifests, "Kafka")
    [user] = of_kind(manifests, "KafkaUser")
    [configuration] = of_kind(manifests, "ConfigMap")
    [listener] = kafka["spec"]["kafka"]["listeners"]
    assert configuration["data"]["KAFKA_BOOTSTRAP_SERVERS"] == f"twin-kafka-bootstrap:{listener['port']}"
    assert configuration["data"]["KAFKA_SASL_MECHANISM"] == "SCRAM-SHA-512"
    assert listener["authentication"]["type"] == user["spec"]["authentication"]["type"] == "scram-sha-512"
    password = user["spec"]["authentication"]["password"]["valueFrom"]["secretKeyRef"]
    assert password == {"name": "kafka", "key": "KAFKA_SASL_PASSWORD"}
    assert (
        kafka["spec"]["kafka"]["config"]["message.max.bytes"]
        > KafkaSettings.model_fields["max_message_bytes"].default
    )


@pytest.mark.parametrize(
    ("component", "server", "port"),
    [
        ("strimzi", {"strimzi.io/cluster": "twin", "strimzi.io/kind": "Kafka"}, 9092),
        ("mongodb-operator", {"app": "twin-mongodb-svc"}, 27017),
    ],
)
def test_only_clients_leave_for_a_server_of_an_operator(
    component: str, server: dict[str, str], port: int, tmp_path: Path
) -> None:
    manifests = render_with(component, tmp_path)
    policies = of_kind(manifests, "NetworkPolicy")
    # Strimzi lets the listener's peers in itself, so that only the way out is ours.
    target = Endpoint("server", "10.244.3.1", "llm-twin", server)
    label = {"strimzi": "llm-twin/kafka", "mongodb-operator": "llm-twin/mongodb"}[component]
    for pod in pods(manifests):
        source = Endpoint(pod.name, "10.244.1.1", "llm-twin", pod.labels)
        goes = may_reach(source, target, port, _leaving(policies), "llm-twin")
        assert goes == (pod.labels.get(label) == "client"), pod.name


def test_the_encoder_as_a_server_is_asked_by_those_who_encode_and_by_no_one_else(tmp_path: Path) -> None:
    manifests = render_with("text-embeddings-inference", tmp_path)
    name = "text-embeddings-inference"
    [configuration] = of_kind(manifests, "ConfigMap")
    assert configuration["data"]["EMBEDDING_BACKEND"] == name
    [service] = [entry for entry in of_kind(manifests, "Service") if entry["metadata"]["name"] == name]
    [door] = service["spec"]["ports"]
    assert configuration["data"]["EMBEDDING_URL"] == f"http://{name}:{door['port']}"
    [server] = [pod for pod in pods(manifests) if pod.name == name]
    target = Endpoint(name, "10.244.3.1", "llm-twin", server.labels, {"http": 8080})
    policies = of_kind(manifests, "NetworkPolicy")
    clients = {
        pod.name
        for pod in pods(manifests)
        if may_reach(
            Endpoint(pod.name, "10.244.1.1", "llm-twin", pod.labels), target, 8080, policies, "llm-twin"
        )
    }
    assert clients == {"feature-stream", "rag-api"}


def _leaving(policies: list[Manifest]) -> list[Manifest]:
    """The policies as if nothing were said about who may enter."""
    return [
        policy | {"spec": policy["spec"] | {"policyTypes": ["Egress"]}}
        for policy in policies
        if "Egress" in policy["spec"]["policyTypes"]
    ]


def test_what_runs_by_the_clock_never_runs_beside_itself() -> None:
    jobs = {job["metadata"]["name"]: job["spec"] for job in of_kind(render_overlay("production"), "CronJob")}
    assert jobs.keys() == {"datasets", "audit"}
    for job in jobs.values():
        assert job["concurrencyPolicy"] == "Forbid"
        assert job["jobTemplate"]["spec"]["activeDeadlineSeconds"] > 0


def test_a_trainer_finds_the_datasets_in_the_registry_that_they_were_written_to() -> None:
    """An event names a dataset by its place in the registry, which is one folder of one volume for all."""
    folders = {
        pod.name: _on_its_volume(pod.spec, container, variable["value"])
        for pod in pods(render_overlay("production-gpu"))
        for container in pod.containers
        for variable in container.get("env", [])
        if variable["name"] in ("DATASETS_REGISTRY", "TRAINER_REGISTRY")
    }
    assert folders.keys() == {"datasets", "trainer", "training"}
    assert len(set(folders.values())) == 1


def _on_its_volume(spec: Manifest, container: Manifest, folder: str) -> tuple[str, str]:
    """The claim that a folder of a container is on, and where on it."""
    [mount] = [one for one in container["volumeMounts"] if folder.startswith(one["mountPath"])]
    [volume] = [one for one in spec["volumes"] if one["name"] == mount["name"]]
    return volume["persistentVolumeClaim"]["claimName"], folder.removeprefix(mount["mountPath"])
