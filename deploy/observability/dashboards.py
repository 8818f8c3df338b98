#!/usr/bin/env python3
"""dashboards.py: writes the Grafana dashboards beside it, from one table of panels each.

Usage:   dashboards.py          writes dashboards/*.json
         dashboards.py --check  says which of them are not what it would write
Needs:   Python 3.
Exit:    0 well; 1 a file differs, with what to run.

`make generate` runs it, and `make lint` checks. A row of a table is one panel: title, unit, and queries with
their legends. Metrics are explained in docs/metrics.md; `$job` and `$cluster` are what a reader chooses.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
RATE = "[$__rate_interval]"
MEMBER = 'cubegate_cluster=~"$cluster"'
# What a watch takes comes when it ends, beyond the last bucket: requests of up to 60 s are the others.
UP_TO_60_S = (
    'label_replace(sum by (cubegate_cluster, le) (rate(envoy_cluster_upstream_rq_time_bucket{%s,le!="+Inf"}%s)), '
    '"le", "+Inf", "le", "60000")' % (MEMBER, RATE)
)


def quantile(q, what, by=""):
    by = f"{by}, " if by else ""
    return f"histogram_quantile({q}, sum by ({by}le) (rate({what}_bucket{RATE})))"


def rate(what, by):
    return f"sum by ({by}) (rate({what}{RATE}))"


TRAFFIC = [
    ("Requests of clients", "reqps", [(rate("envoy_http_downstream_rq_xx", "envoy_response_code_class"), "{{envoy_response_code_class}}xx")]),
    ("Requests under way", "short", [("sum(envoy_http_downstream_rq_active)", "requests"), ("sum(envoy_http_downstream_cx_active)", "connections")]),
    ("Requests to clusters", "reqps", [(rate("envoy_cluster_upstream_rq_xx{%s}" % MEMBER, "cubegate_cluster"), "{{cubegate_cluster}}")]),
    ("Refusals of the filter", "reqps", [(rate("cubegate_filter_refused_total", "reason") + " > 0", "{{reason}}")]),
    ("Requests with a good token", "reqps", [("sum(rate(cubegate_filter_verified_total%s))" % RATE, "verified")]),
    ("Tokens that were known already", "percentunit", [("sum(rate(cubegate_filter_token_cache_total{result=\"hit\"}%s)) / sum(rate(cubegate_filter_token_cache_total%s))" % (RATE, RATE), "known")]),
    ("Bytes to and from clients", "Bps", [("sum(rate(envoy_http_downstream_cx_tx_bytes_total%s))" % RATE, "sent"), ("sum(rate(envoy_http_downstream_cx_rx_bytes_total%s))" % RATE, "received")]),
    ("Requests to the control plane", "reqps", [(rate("cubegate_api_requests_total", "route"), "{{route}}")]),
]

CLUSTERS = [
    ("Latency, median", "ms", [(f"histogram_quantile(0.5, {UP_TO_60_S})", "{{cubegate_cluster}}")]),
    ("Latency, 99 of 100", "ms", [(f"histogram_quantile(0.99, {UP_TO_60_S})", "{{cubegate_cluster}}")]),
    ("Answers with 5xx", "percentunit", [('sum by (cubegate_cluster) (rate(envoy_cluster_upstream_rq_xx{%s,envoy_response_code_class="5"}%s)) / sum by (cubegate_cluster) (rate(envoy_cluster_upstream_rq_xx{%s}%s))' % (MEMBER, RATE, MEMBER, RATE), "{{cubegate_cluster}}")]),
    ("Under way, watches among them", "short", [("sum by (cubegate_cluster) (envoy_cluster_upstream_rq_active{%s})" % MEMBER, "{{cubegate_cluster}}")]),
    ("Connections that failed", "cps", [(rate("envoy_cluster_upstream_cx_connect_fail{%s}" % MEMBER, "cubegate_cluster"), "{{cubegate_cluster}}")]),
    ("Resets, timeouts and retries", "reqps", [(rate("envoy_cluster_upstream_rq_%s{%s}" % (what, MEMBER), "cubegate_cluster"), "{{cubegate_cluster}} %s" % what) for what in ("rx_reset", "timeout", "retry")]),
    ("Bytes from clusters", "Bps", [(rate("envoy_cluster_upstream_cx_rx_bytes_total{%s}" % MEMBER, "cubegate_cluster"), "{{cubegate_cluster}}")]),
    ("Reachable from the control plane", "short", [('min by (cluster) (cubegate_cluster_up{cluster=~"$cluster"})', "{{cluster}}")]),
]

LISTS = [
    ("Pages by strategy", "ops", [(rate("cubegate_filter_lists_paged_total", "strategy"), "{{strategy}}")]),
    ("Items read and held", "short", [("sum(rate(cubegate_filter_list_items_scanned_total%s))" % RATE, "read"), ("sum(rate(cubegate_filter_list_items_kept_total%s))" % RATE, "held")]),
    ("Bytes of lists read and sent", "Bps", [("sum(rate(cubegate_filter_list_read_bytes_total%s))" % RATE, "read"), ("sum(rate(cubegate_filter_list_sent_bytes_total%s))" % RATE, "sent")]),
    ("Items read for one that is held", "short", [("sum(rate(cubegate_filter_list_items_scanned_total%s)) / sum(rate(cubegate_filter_list_items_kept_total%s))" % (RATE, RATE), "items")]),
    ("Lists refused for what they take", "reqps", [(rate('cubegate_filter_refused_total{reason=~"budget_.*"}', "reason"), "{{reason}}")]),
    ("Held by the lists of a worker", "bytes", [("cubegate_filter_lists_held_bytes", "{{instance}} {{worker}}")]),
    ("Memory of a worker's filter", "bytes", [("cubegate_filter_memory_bytes", "{{instance}} {{worker}}")]),
    ("Workers that stood still", "short", [("sum by (instance) (increase(envoy_workers_watchdog_miss%s))" % RATE, "{{instance}}")]),
]

FLEET = [
    ("Envoys", "short", [("sum by (state) (cubegate_envoys)", "{{state}}")]),
    ("Envoys with a control plane", "short", [("envoy_control_plane_connected_state", "{{instance}}")]),
    ("Behind the newest snapshot", "s", [("max(cubegate_xds_change_pending_seconds)", "any change"), ("max(cubegate_xds_revocation_pending_seconds)", "what is refused")]),
    ("From a change to all Envoys, 99 of 100", "s", [(quantile(0.99, "cubegate_xds_change_duration_seconds"), "any change"), (quantile(0.99, "cubegate_xds_revocation_duration_seconds"), "what is refused")]),
    ("Pushes, and those that were refused", "ops", [(rate("cubegate_xds_responses_total", "type"), "{{type}}"), (rate("cubegate_xds_nacks_total", "type"), "{{type}} refused")]),
    ("Bytes pushed", "Bps", [(rate("cubegate_xds_response_bytes_total", "type"), "{{type}}")]),
    ("What the filter is told, of its limit", "percentunit", [("max by (document) (cubegate_document_bytes / cubegate_document_limit_bytes)", "{{document}}")]),
    ("Database, 99 of 100", "s", [(quantile(0.99, "cubegate_store_operation_duration_seconds", "operation"), "{{operation}}")]),
    ("Connections to the database", "short", [("sum by (pool, state) (cubegate_store_connections)", "{{pool}} {{state}}")]),
    ("Clusters", "short", [("max by (state) (cubegate_clusters)", "{{state}}")]),
    ("Memory", "bytes", [("process_resident_memory_bytes{job=~\"$job\"}", "{{instance}}"), ("envoy_server_memory_physical_size", "{{instance}} (Envoy)")]),
    ("Filters that were made anew", "short", [("sum by (instance) (increase(envoy_wasm_vm_reload%s))" % RATE, "{{instance}}")]),
]

SECURITY = [
    ("Names and passwords", "ops", [(rate("cubegate_logins_total", "result"), "{{result}}")]),
    ("Tokens made", "ops", [(rate("cubegate_tokens_issued_total", "kind"), "{{kind}}")]),
    ("Tokens asked for and refused", "ops", [(rate("cubegate_tokens_not_issued_total", "kind, reason"), "{{kind}}: {{reason}}")]),
    ("Credentials that the filter refuses", "reqps", [(rate('cubegate_filter_refused_total{reason=~"unauthenticated|token_.*|clock_skew|password"}', "reason"), "{{reason}}")]),
    ("Beyond what somebody may", "reqps", [(rate('cubegate_filter_refused_total{reason=~"cross_site|out_of_scope|impersonation|forbidden|throttled_.*"}', "reason"), "{{reason}}")]),
    ("Tokens that the control plane refuses", "ops", [(rate("cubegate_tokens_rejected_total", "reason"), "{{reason}}")]),
    ("Users, keys and logins", "short", [("max(cubegate_users)", "users"), ("max(cubegate_access_keys)", "keys"), ("max(cubegate_sessions)", "logins")]),
    ("Days left of certificates", "d", [("min by (certificate) (cubegate_certificate_expiry_timestamp_seconds - time()) / 86400", "{{certificate}}")]),
    ("Days left at clusters", "d", [("min by (cluster) (cubegate_cluster_credential_expiry_timestamp_seconds - time()) / 86400", "{{cluster}}")]),
    ("Audit records that wait", "short", [("sum(cubegate_audit_queue_records)", "for the database"), ("max by (sink) (cubegate_audit_outbox_records)", "for {{sink}}")]),
    ("Audit records that are lost", "ops", [("sum(rate(cubegate_audit_dropped_records_total%s))" % RATE, "queue full"), ("sum(rate(envoy_access_logs_grpc_access_log_logs_dropped%s))" % RATE, "on the way from Envoy")]),
]

DASHBOARDS = [
    ("traffic", "Cubegate: traffic and refusals", TRAFFIC),
    ("clusters", "Cubegate: latency by cluster", CLUSTERS),
    ("lists", "Cubegate: cost of lists", LISTS),
    ("fleet", "Cubegate: xDS and fleet health", FLEET),
    ("security", "Cubegate: security", SECURITY),
]


def variable(name, label, query):
    return {
        "name": name, "label": label, "type": "query", "query": query, "definition": query,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "refresh": 2, "sort": 1, "multi": True, "includeAll": True, "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def panel(number, title, unit, queries):
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "id": number, "title": title, "type": "timeseries", "datasource": source,
        "gridPos": {"h": 8, "w": 12, "x": (number - 1) % 2 * 12, "y": (number - 1) // 2 * 8},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0, "custom": {"fillOpacity": 10, "showPoints": "never"}}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + at), "datasource": source, "expr": expression, "legendFormat": legend}
            for at, (expression, legend) in enumerate(queries)
        ],
    }


def dashboard(name, title, panels):
    source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
    return {
        "uid": f"cubegate-{name}", "title": title, "tags": ["cubegate"], "schemaVersion": 39, "version": 1,
        "editable": True, "timezone": "", "refresh": "30s", "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [
            source,
            variable("job", "Control planes", "label_values(cubegate_build_info, job)"),
            variable("cluster", "Cluster", "label_values(envoy_cluster_upstream_rq_active, cubegate_cluster)"),
        ]},
        "annotations": {"list": []},
        "panels": [panel(number, *row) for number, row in enumerate(panels, 1)],
    }


def main():
    differing = []
    for name, title, panels in DASHBOARDS:
        path = HERE / "dashboards" / f"{name}.json"
        text = json.dumps(dashboard(name, title, panels), indent=1) + "\n"
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            differing.append(path.name)
    if differing:
        sys.exit(f"{', '.join(differing)} of deploy/observability/dashboards are not what dashboards.py writes; run: make generate")


if __name__ == "__main__":
    main()
