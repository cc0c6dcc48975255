"""Who may reach whom, as a cluster that enforces NetworkPolicies decides it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Policy = dict[str, Any]
Rule = dict[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """Something that sends or is reached: a pod of ours, of another namespace, or an address outside."""

    name: str
    address: str
    namespace: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    port_names: dict[str, int] = field(default_factory=dict)


def may_reach(
    source: Endpoint, target: Endpoint, port: int, policies: Iterable[Policy], namespace: str
) -> bool:
    """Whether the policies of `namespace` let a connection out of the source and into the target.

    Follows https://kubernetes.io/docs/concepts/services-networking/network-policies/: what a policy selects
    may do only what some policy allows; what no policy selects may do everything.
    """
    governed = [policy["spec"] for policy in policies]
    leaves = source.namespace != namespace or _allowed("Egress", governed, source, target, (target, port))
    enters = target.namespace != namespace or _allowed("Ingress", governed, target, source, (target, port))
    return leaves and enters


def _allowed(
    direction: str, specs: list[Rule], subject: Endpoint, peer: Endpoint, door: tuple[Endpoint, int]
) -> bool:
    ours = [
        spec
        for spec in specs
        if direction in spec["policyTypes"] and _selects(spec["podSelector"], subject.labels)
    ]
    side = "to" if direction == "Egress" else "from"
    rules = [rule for spec in ours for rule in spec.get(direction.lower(), [])]
    return not ours or any(
        _is_peer(rule.get(side, []), peer, subject.namespace) and _is_port(rule, *door) for rule in rules
    )


def _is_peer(peers: list[Rule], endpoint: Endpoint, namespace: str | None) -> bool:
    return not peers or any(_matches(peer, endpoint, namespace) for peer in peers)


def _matches(peer: Rule, endpoint: Endpoint, namespace: str | None) -> bool:
    if block := peer.get("ipBlock"):
        address = ip_address(endpoint.address)
        inside = address in ip_network(block["cidr"])
        return inside and not any(address in ip_network(part) for part in block.get("except", []))
    if endpoint.namespace is None:
        return False
    there = {"kubernetes.io/metadata.name": endpoint.namespace}
    if "namespaceSelector" in peer:
        if not _selects(peer["namespaceSelector"], there):
            return False
    elif endpoint.namespace != namespace:
        return False
    return _selects(peer.get("podSelector", {}), endpoint.labels)


def _is_port(rule: Rule, target: Endpoint, port: int) -> bool:
    named = [entry["port"] for entry in rule.get("ports", [])]
    return not named or any(target.port_names.get(str(name), name) == port for name in named)


def _selects(selector: Rule, labels: dict[str, str]) -> bool:
    assert set(selector) <= {"matchLabels"}, f"this evaluator does not know {selector}"
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
