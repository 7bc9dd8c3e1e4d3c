"""usage: duckdb_job.py A|B|C INPUT ROWS

The same job as one SQL statement for DuckDB, on one thread: the rows are the judge of ours. A batch engine needs no watermark and
may look at everything before it prints; of ids that come twice it keeps the first, which is all there is to it in this input.
"""
import sys
import duckdb

job, source, rows = sys.argv[1:]
events = f"""read_ndjson('{source}', columns = {{id: 'VARCHAR', time: 'TIMESTAMP', model: 'VARCHAR', tenant: 'VARCHAR',
    input_tokens: 'BIGINT', output_tokens: 'BIGINT', duration_ms: 'DOUBLE', cost_usd: 'DOUBLE'}})"""
if job == "C":
    events = f"(SELECT DISTINCT ON (id) * FROM {events})"
percentiles = "".join(
    f", p{percent}: quantile_disc(duration_ms, {percent / 100})" for percent in ((50, 95, 99) if job == "B" else ())
)
instant = "strftime({}, '%Y-%m-%dT%H:%M:%S.000Z')"
connection = duckdb.connect(config={"threads": 1})
connection.execute("SET TimeZone = 'UTC'")
connection.execute(f"""
    COPY (
        SELECT 'by_model' AS "window", {instant.format('start')} AS start, {instant.format('start + INTERVAL 10 SECONDS')} AS "end",
            {{model: model, tenant: tenant}} AS key, numbers AS "values", 0 AS revision
        FROM (
            SELECT time_bucket(INTERVAL 10 SECONDS, time, TIMESTAMP '1970-01-01') AS start, model, tenant,
                {{requests: count(*), tokens_in: sum(input_tokens)::BIGINT, tokens_out: sum(output_tokens)::BIGINT,
                  latency_avg: avg(duration_ms), latency_min: min(duration_ms), latency_max: max(duration_ms),
                  cost: sum(cost_usd){percentiles}}} AS numbers
            FROM {events} GROUP BY ALL
        )
        ORDER BY start, model, tenant
    ) TO '{rows}' (FORMAT json)
""")
