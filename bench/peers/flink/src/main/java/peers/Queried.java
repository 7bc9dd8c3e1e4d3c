package peers;

import java.time.ZoneOffset;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;

/**
 * usage: Queried A|B|C INPUT ROWS. The main jobs in Flink SQL, as a stream: a window function, mini-batches and, for C, the query that
 * Flink recognises as deduplication. PERCENTILE lies between two numbers where ours is one of them, so rows of B differ there.
 */
public class Queried {
    public static void main(String[] arguments) throws Exception {
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
        environment.setParallelism(1);
        environment.getConfig().enableObjectReuse();
        StreamTableEnvironment tables = StreamTableEnvironment.create(environment);
        var settings = tables.getConfig();
        settings.setLocalTimeZone(ZoneOffset.UTC);
        settings.set("table.exec.mini-batch.enabled", "true");
        settings.set("table.exec.mini-batch.allow-latency", "1 s");
        settings.set("table.exec.mini-batch.size", "5000");
        settings.set("table.exec.state.ttl", "10 min"); // of the ids, by the wall clock: SQL has none by event time
        tables.executeSql("CREATE TABLE requests (id STRING, `time` TIMESTAMP_LTZ(6), model STRING, tenant STRING, input_tokens BIGINT,"
                + " output_tokens BIGINT, duration_ms DOUBLE, cost_usd DOUBLE, moment AS CAST(`time` AS TIMESTAMP_LTZ(3)), arrived AS PROCTIME(),"
                + " WATERMARK FOR moment AS moment - INTERVAL '5' SECOND) WITH ('connector' = 'filesystem', 'format' = 'json',"
                + " 'json.timestamp-format.standard' = 'ISO-8601', 'path' = '" + arguments[1] + "')");
        String source = "requests";
        if (arguments[0].equals("C")) {
            tables.executeSql("CREATE TEMPORARY VIEW firsts AS SELECT * FROM (SELECT *, ROW_NUMBER() OVER"
                    + " (PARTITION BY id ORDER BY arrived) AS n FROM requests) WHERE n = 1");
            source = "firsts";
        }
        String percentiles = arguments[0].equals("B")
                ? ", PERCENTILE(duration_ms, 0.5), PERCENTILE(duration_ms, 0.95), PERCENTILE(duration_ms, 0.99)" : "";
        String group = source.equals("requests")
                ? " FROM TABLE(TUMBLE(TABLE requests, DESCRIPTOR(moment), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, model, tenant"
                : " FROM firsts GROUP BY TUMBLE(moment, INTERVAL '10' SECOND), model, tenant";
        String start = source.equals("requests") ? "window_start" : "TUMBLE_START(moment, INTERVAL '10' SECOND)";
        var rows = tables.sqlQuery("SELECT " + start + ", model, tenant, COUNT(*), SUM(input_tokens), SUM(output_tokens),"
                + " AVG(duration_ms), MIN(duration_ms), MAX(duration_ms), SUM(cost_usd)" + percentiles + group);
        tables.toDataStream(rows).map(Queried::render).returns(Types.STRING)
                .flatMap(new Rows(arguments[2])).returns(Types.STRING)
                .sinkTo(new DiscardingSink<>());
        environment.execute();
    }

    private static final String[] NAMES = {"requests", "tokens_in", "tokens_out", "latency_avg", "latency_min", "latency_max", "cost",
        "p50", "p95", "p99"};

    private static String render(Row row) {
        StringBuilder values = new StringBuilder(256);
        for (int at = 3; at < row.getArity(); at++) {
            values.append(at == 3 ? "\"" : ",\"").append(NAMES[at - 3]).append("\":").append(row.getField(at));
        }
        var start = (java.time.LocalDateTime) row.getField(0);
        return Rows.row(start.toInstant(ZoneOffset.UTC).toEpochMilli(), (String) row.getField(1), (String) row.getField(2), values.toString());
    }
}
