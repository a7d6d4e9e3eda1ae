"""Get Metrics, the flows that a metric triggers, and Get Flows: whether restocks reach anybody.

https://developers.klaviyo.com/en/reference/get_flows
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..protocol.errors import Refusal, Reply, not_found
from ..protocol.filters import Allowed
from ..protocol.limits import Limit
from ..state.flow import Flow
from .documents import check_query, many, moment, resource, selected
from .operation import Call, Operation, Side

_LIMIT = Limit(burst=3, steady=60)
_TIMES = ("equals", "greater-than", "greater-or-equal", "less-than", "less-or-equal")
_FLOW_FILTERS: Allowed = {
    "id": ("any", "equals"),
    "name": ("contains", "ends-with", "equals", "starts-with"),
    "status": ("equals",),
    "archived": ("equals",),
    "trigger_type": ("equals",),
    "created": _TIMES,
    "updated": _TIMES,
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
    number: int
    id: str
    name: str
    starts_flow: bool = False


METRICS = (
    _Metric(1, "SBMET1", "Subscribed to Back in Stock", starts_flow=True),
    _Metric(2, "SBMET2", "Received Email"),
    _Metric(3, "SBMET3", "Received SMS"),
)


def _metrics(call: Call) -> Reply:
    with call.sandbox.lock:
        entries = selected(call, METRICS, _METRIC_FILTERS, _metric_fields)
        return many(
            call,
            entries,
            lambda metric: metric.number,
            partial(_shown_metric, call),
            partial(_flows_of, call),
        )


def _metric_fields(metric: _Metric) -> Mapping[str, Any]:
    return {
        "integration.name": _INTEGRATION["name"],
        "integration.category": _INTEGRATION["category"],
    }


def _shown_metric(call: Call, metric: _Metric) -> dict[str, Any]:
    created = moment(call.sandbox.flow.created)
    attributes = {
        "name": metric.name,
        "created": created,
        "updated": created,
        "integration": _INTEGRATION,
    }
    started = [{"type": "flow", "id": flow.id} for flow in _started(call, [metric])]
    wanted = "flow-triggers" in call.request.args.get("include", "")
    related = {"flow-triggers": started if wanted else None}
    return resource(call, "metric", "metrics", metric.id, attributes, related)


def _flows_of(call: Call, metrics: Sequence[_Metric]) -> list[dict[str, Any]]:
    return [_shown_flow(call, flow) for flow in _started(call, metrics)]


def _started(call: Call, metrics: Sequence[_Metric]) -> list[Flow]:
    """Return the flows that these metrics start. The caller holds the sandbox's lock."""
    flow = call.sandbox.flow
    return [flow] if flow.exists and any(metric.starts_flow for metric in metrics) else []


def _check_metric(call: Call) -> None:
    """Refuse a metric that isn't there. Raises `Refusal`, 404."""
    check_query(call)
    if _metric(call) is None:
        wanted = call.path_arguments["id"][:60]
        raise Refusal(not_found(f"A metric with id {wanted} does not exist."))


def _triggers(call: Call) -> Reply:
    metric = _metric(call)
    with call.sandbox.lock:
        flows = _started(call, [metric] if metric else [])
        return many(call, flows, lambda _: 1, partial(_shown_flow, call))


def _metric(call: Call) -> _Metric | None:
    return next((each for each in METRICS if each.id == call.path_arguments["id"]), None)


def _flows(call: Call) -> Reply:
    with call.sandbox.lock:
        flows = [call.sandbox.flow] if call.sandbox.flow.exists else []
        entries = selected(call, flows, _FLOW_FILTERS, _flow_fields)
        # the flow's steps and tags are not played
        return many(call, entries, lambda _: 1, partial(_shown_flow, call), lambda _: [])


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


def _shown_flow(call: Call, flow: Flow) -> dict[str, Any]:
    fields = dict(_flow_fields(flow))
    found_id = fields.pop("id")
    times = {"created": moment(flow.created), "updated": moment(flow.updated)}
    related = {"flow-actions": None, "tags": None}
    return resource(call, "flow", "flows", found_id, {**fields, **times}, related)


OPERATIONS = (
    Operation(Side.SERVER, "GET", "/api/metrics", "Get Metrics", _LIMIT, check_query, _metrics),
    Operation(
        Side.SERVER,
        "GET",
        "/api/metrics/{id}/flow-triggers",
        "Get Flows Triggered by Metric",
        _LIMIT,
        _check_metric,
        _triggers,
    ),
    Operation(Side.SERVER, "GET", "/api/flows", "Get Flows", _LIMIT, check_query, _flows),
)
