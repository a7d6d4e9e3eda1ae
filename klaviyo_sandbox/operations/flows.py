"""Get Metrics, Get Flows Triggered by Metric and Get Flows.

Callers use them to check whether a restock would notify anybody.

https://developers.klaviyo.com/en/reference/get_flows
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..protocol.errors import Refusal, Reply, error
from ..protocol.filters import Allowed
from ..protocol.limits import Limit
from ..state.flow import Flow
from .operation import Call, Operation, check_query
from .replies import format_time, listing, resource

_LIMIT = Limit(burst=3, steady=60)
_COMPARISONS = ("equals", "greater-than", "greater-or-equal", "less-than", "less-or-equal")
_FLOW_FILTERS: Allowed = {
    "id": ("any", "equals"),
    "name": ("contains", "ends-with", "equals", "starts-with"),
    "status": ("equals",),
    "archived": ("equals",),
    "trigger_type": ("equals",),
    "created": _COMPARISONS,
    "updated": _COMPARISONS,
}
_METRIC_FILTERS: Allowed = {"integration.name": ("equals",), "integration.category": ("equals",)}
_INTEGRATION = {
    "object": "integration",
    "id": "0rG4eQ",
    "key": "klaviyo",
    "name": "Klaviyo",
    "category": "Internal",
}


@dataclass(frozen=True, slots=True)
class _Metric:
    id: str
    name: str
    triggers_flow: bool = False


_METRICS = (
    _Metric("SBMET1", "Subscribed to Back in Stock", triggers_flow=True),
    _Metric("SBMET2", "Received Email"),
    _Metric("SBMET3", "Received SMS"),
)


def _get_metrics(call: Call) -> Reply:
    with call.sandbox.lock:
        return listing(
            call,
            _METRICS,
            partial(_show_metric, call),
            allowed=_METRIC_FILTERS,
            fields=lambda _: {
                "integration.name": _INTEGRATION["name"],
                "integration.category": _INTEGRATION["category"],
            },
            included=lambda metrics: [
                _show_flow(call, flow) for flow in _triggered_flows(call, metrics)
            ],
        )


def _triggered_flows(call: Call, metrics: Sequence[_Metric]) -> list[Flow]:
    flow = call.sandbox.flow
    return [flow] if flow.exists and any(metric.triggers_flow for metric in metrics) else []


def _show_metric(call: Call, metric: _Metric) -> dict[str, Any]:
    created = format_time(call.sandbox.flow.created)
    attributes = {
        "name": metric.name,
        "created": created,
        "updated": created,
        "integration": _INTEGRATION,
    }
    flows = [{"type": "flow", "id": flow.id} for flow in _triggered_flows(call, [metric])]
    include = "flow-triggers" in call.request.args.get("include", "")
    relationships = {"flow-triggers": flows if include else None}
    return resource(call, "metric", metric.id, attributes, relationships)


def _check_metric(call: Call) -> None:
    check_query(call)
    metric_id = call.path_arguments["id"]
    if all(metric.id != metric_id for metric in _METRICS):
        raise Refusal(error(404, f"A metric with id {metric_id[:60]} does not exist."))


def _get_triggered_flows(call: Call) -> Reply:
    metrics = [metric for metric in _METRICS if metric.id == call.path_arguments["id"]]
    with call.sandbox.lock:
        return listing(call, _triggered_flows(call, metrics), partial(_show_flow, call))


def _get_flows(call: Call) -> Reply:
    with call.sandbox.lock:
        flow = call.sandbox.flow
        return listing(
            call,
            [flow] if flow.exists else [],
            partial(_show_flow, call),
            allowed=_FLOW_FILTERS,
            fields=_flow_fields,
            included=lambda _: [],  # the flow has no actions and no tags
        )


def _flow_fields(flow: Flow) -> Mapping[str, Any]:
    return {
        "id": flow.id,
        "name": flow.name,
        "status": str(flow.settings.status),
        "archived": False,
        "trigger_type": "Metric",
        "created": flow.created,
        "updated": flow.updated,
    }


def _show_flow(call: Call, flow: Flow) -> dict[str, Any]:
    attributes = {
        **_flow_fields(flow),
        "created": format_time(flow.created),
        "updated": format_time(flow.updated),
    }
    del attributes["id"]
    return resource(call, "flow", flow.id, attributes, {"flow-actions": None, "tags": None})


OPERATIONS = (
    Operation("GET", "/api/metrics", _LIMIT, _get_metrics),
    Operation(
        "GET", "/api/metrics/{id}/flow-triggers", _LIMIT, _get_triggered_flows, _check_metric
    ),
    Operation("GET", "/api/flows", _LIMIT, _get_flows),
)
